use mongrate::migration;

#[migration(id = "001_create_users")]
mod users {
    use mongrate::Tx;

    pub async unsafe fn up<T>(_tx: &mut Tx, _name: &str) {}
}

fn main() {}

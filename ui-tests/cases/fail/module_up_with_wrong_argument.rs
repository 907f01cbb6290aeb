use mongrate::migration;

#[migration(id = "001_create_users")]
mod users {
    use mongrate::Error;

    pub async fn up(_name: &str) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}

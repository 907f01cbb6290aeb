use mongrate::migration;

#[migration(id = "001_create_users", source = "plugin:whale-alerts")]
mod users {
    use mongodb::Database;
    use mongrate::Error;

    pub async fn up(_db: &Database) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}

use mongrate::migration;

#[migration(id = "001_create_users")]
struct Users;

fn main() {}

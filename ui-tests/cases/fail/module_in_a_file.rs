use mongrate::migration;

#[migration(id = "001_create_users")]
#[path = "module_in_a_file/users.rs"]
mod users;

fn main() {}

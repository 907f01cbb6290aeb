#[mongrate::source("module:menu")]
#[path = "module_in_a_file/users.rs"]
mod users;

fn main() {}

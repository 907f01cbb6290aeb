#[mongrate::source("module:menu")]
mod menu {
    pub fn dishes() -> u32 {
        3
    }
}

fn main() {
    menu::dishes();
}

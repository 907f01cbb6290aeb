//! The page in a real browser, with a real server behind it. CONTRIBUTING.md says what has to be installed.

mod browser;
mod checks;
mod chromedriver;
mod migrations;
mod served;

mod overview;
mod sign_in;
mod small;
mod up;

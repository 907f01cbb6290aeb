//! The page in a real browser, with a real server behind it. CONTRIBUTING.md says what has to be installed.

mod browser;
mod checks;
mod chromedriver;
mod migrations;
mod served;

mod backfill;
mod cross_site;
mod failure;
mod hostile;
mod keyboard;
mod manual;
mod many;
mod overview;
mod plan;
mod proxied;
mod quiet;
mod replicas;
mod sign_in;
mod small;
mod theme;
mod up;

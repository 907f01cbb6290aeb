//! Customers as people typed them.

use mongodb::bson::{DateTime, Document, doc};

use super::names::{COUNTRIES, Country, plain};
use super::random::Random;

/// 2021-03-01T08:00:00Z, when the shop opened.
const OPENED: i64 = 1_614_585_600_000;
/// The milliseconds of about three years.
const THREE_YEARS: i64 = 3 * 365 * 24 * 60 * 60 * 1_000;

/// Returns `count` customers, numbered from 1. They are always the same.
pub(super) fn customers(count: i32) -> Vec<Document> {
    let mut random = Random::new(5);
    let mut customers: Vec<Document> = Vec::new();
    for id in 1..=count {
        // Sometimes a customer registers twice.
        let customer = match customers.last() {
            Some(_) if random.once_in(40) => again(random.choose(&customers), &mut random),
            _ => customer(id, &mut random),
        };
        let mut numbered = doc! { "_id": id };
        numbered.extend(customer);
        numbered.insert("createdAt", DateTime::from_millis(OPENED + i64::from(id) * (THREE_YEARS / i64::from(count))));
        customers.push(numbered);
    }
    customers
}

fn customer(id: i32, random: &mut Random) -> Document {
    let country = random.choose(&COUNTRIES);
    let (first, last) = (random.choose(&country.first), random.choose(&country.last));
    let (city, area) = random.choose(&country.cities);
    let domain = if random.once_in(250) {
        "shop.example"
    } else {
        *random.choose(&["example.com", "example.net", "mail.example"])
    };
    let email = format!("{}.{}{id}@{domain}", plain(first), plain(last));
    let mut customer = doc! {
        "name": untidy(format!("{first} {last}"), random),
        "email": capital(untidy(email, random), random),
        "country": country.code,
        "city": *city,
        "spentCents": spent(random),
    };
    if !random.once_in(30) {
        customer.insert("phone", phone(country, area, random));
    }
    customer
}

/// Returns a second account of a customer.
fn again(earlier: &Document, random: &mut Random) -> Document {
    let mut customer = earlier.clone();
    let email = earlier.get_str("email").unwrap_or_default().trim();
    customer.insert("email", if random.once_in(2) { email.to_uppercase() } else { email.to_owned() });
    customer.insert("spentCents", spent(random));
    customer.remove("_id");
    customer
}

fn untidy(mut text: String, random: &mut Random) -> String {
    match random.below(20) {
        0 => text.push(' '),
        1 => text.insert(0, ' '),
        _ => {}
    }
    text
}

/// Sometimes capitalizes the first letter, like the keyboard of a phone.
fn capital(mut email: String, random: &mut Random) -> String {
    if random.once_in(10)
        && let Some(first) = email.find(|c: char| c.is_ascii_lowercase())
    {
        email[first..=first].make_ascii_uppercase();
    }
    email
}

/// Usually up to 150, for one in fifty up to 15,000.
fn spent(random: &mut Random) -> i64 {
    let most = if random.once_in(50) { 1_500_000 } else { 15_000 };
    i64::from(random.below(most))
}

fn phone(country: &Country, area: &str, random: &mut Random) -> String {
    let Country { calling_code: code, trunk, .. } = country;
    let number = random.digits(7);
    let (head, tail) = number.split_at(3);
    match random.below(100) {
        0..45 => format!("+{code} {area} {number}"),
        45..60 => format!("00{code}-{area}-{number}"),
        60..80 => format!("({trunk}{area}) {head} {} {}", &tail[..2], &tail[2..]),
        80..90 => format!("{trunk}{area}/{number}"),
        90..96 => format!("+{code}{area}{number} "),
        _ => (*random.choose(&["n/a", "-", "none", "call me by mail", "123"])).to_owned(),
    }
}

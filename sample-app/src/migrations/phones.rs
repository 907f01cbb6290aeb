//! Phone numbers in two parts.

use anyhow::ensure;
use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongrate::migration;

/// The number of customers in a batch.
const BATCH: usize = 1_000;

/// Country, calling code, and the prefix for calls within the country.
const COUNTRIES: [(&str, &str, &str); 12] = [
    ("BR", "55", "0"),
    ("DE", "49", "0"),
    ("ES", "34", ""),
    ("FR", "33", "0"),
    ("GB", "44", "0"),
    ("IN", "91", "0"),
    ("IT", "39", ""),
    ("JP", "81", "0"),
    ("NG", "234", "0"),
    ("PL", "48", ""),
    ("TR", "90", "0"),
    ("US", "1", ""),
];

/// Phone numbers are split into country code and number.
///
/// What was typed is kept as `phoneRaw`.
#[migration(id = "005_split_phones", deps = ["001_clean_customers"], down = join_phones, verify = phones_are_split)]
async fn split_phones(db: &Database) -> Result<(), anyhow::Error> {
    // With `&Database`, because all customers are too much for one transaction. Parsing the numbers takes Rust. It is
    // repeatable: a customer with `phoneRaw` is done.
    let customers = db.collection::<Document>("customers");
    let to_do = doc! { "phoneRaw": { "$exists": false } };
    let found = customers.find(to_do).projection(doc! { "country": 1, "phone": 1 }).await?;
    let mut batches = found.try_chunks(BATCH);
    while let Some(batch) = batches.try_next().await.map_err(|error| error.1)? {
        // The driver's bulk writes need MongoDB 8.
        let updates = batch.iter().map(update).collect::<Vec<_>>();
        let durable = doc! { "w": "majority" };
        let command = doc! { "update": "customers", "updates": updates, "writeConcern": durable };
        let reply = db.run_command(command).await?;
        // The command succeeds even if its writes fail.
        ensure!(!reply.contains_key("writeErrors"), "customers were not updated: {reply}");
    }
    Ok(())
}

/// An interruption after the last batch needs no second run.
async fn phones_are_split(db: &Database) -> Result<bool, mongodb::error::Error> {
    let to_do = doc! { "phoneRaw": { "$exists": false } };
    Ok(db.collection::<Document>("customers").find_one(to_do).await?.is_none())
}

async fn join_phones(db: &Database) -> Result<(), mongodb::error::Error> {
    // Customers without a number stay without one.
    let typed = doc! { "$ifNull": ["$phoneRaw", "$$REMOVE"] };
    let restore = vec![doc! { "$set": { "phone": typed } }, doc! { "$unset": "phoneRaw" }];
    let customers = db.collection::<Document>("customers");
    customers.update_many(doc! { "phoneRaw": { "$exists": true } }, restore).await?;
    Ok(())
}

/// Returns the update of a customer, for the server's command.
fn update(customer: &Document) -> Document {
    let raw = customer.get_str("phone").ok();
    let phone = raw.and_then(|raw| split(raw, customer.get_str("country").unwrap_or_default()));
    let phone = phone.map(|(code, number)| doc! { "countryCode": code, "number": number });
    let set = doc! { "phone": phone.map_or(Bson::Null, Bson::Document), "phoneRaw": raw };
    doc! { "q": { "_id": customer.get("_id"), "phoneRaw": { "$exists": false } }, "u": { "$set": set } }
}

/// Returns calling code and number, or `None` if it is not a phone number.
fn split(raw: &str, country: &str) -> Option<(&'static str, String)> {
    let international = raw.trim_start().starts_with('+');
    if raw.chars().any(|c| !c.is_ascii_digit() && !" +-/().".contains(c)) {
        return None;
    }
    let digits = raw.chars().filter(char::is_ascii_digit).collect::<String>();
    let abroad = if international { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    let (code, number) = if let Some(abroad) = abroad {
        COUNTRIES.iter().find_map(|(_, code, _)| Some((*code, abroad.strip_prefix(code)?)))?
    } else {
        let (_, code, trunk) = COUNTRIES.iter().find(|(name, ..)| *name == country)?;
        (*code, digits.strip_prefix(trunk).unwrap_or(&digits))
    };
    (6..=12).contains(&number.len()).then(|| (code, number.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn numbers_are_split() {
        for (raw, country, expected) in [
            ("+49 30 1234567", "DE", Some(("49", "301234567"))),
            ("0049-30-1234567", "FR", Some(("49", "301234567"))),
            ("(030) 123 45 67", "DE", Some(("49", "301234567"))),
            ("030/1234567", "DE", Some(("49", "301234567"))),
            (" +234.1.2345678", "NG", Some(("234", "12345678"))),
            ("(212) 555-0123", "US", Some(("1", "2125550123"))),
            ("06 1234567", "IT", Some(("39", "061234567"))),
            ("n/a", "DE", None),
            ("-", "DE", None),
            ("12", "DE", None),
            ("+999 123456789", "DE", None),
            ("030 1234567 (office)", "DE", None),
            ("030 1234567", "XX", None),
        ] {
            let expected = expected.map(|(code, number)| (code, number.to_owned()));
            assert_eq!(split(raw, country), expected, "{raw}");
        }
    }
}

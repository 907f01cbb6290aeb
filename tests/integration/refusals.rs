//! A refused write is reported with its document, whatever the type of the body's error.

use std::error::Error as StdError;
use std::fmt;

use mongodb::bson::{Document, doc};
use mongodb::error::Error as DriverError;
use mongodb::{Collection, Database};
use mongrate::context::TxCollection;
use mongrate::report::Outcome;
use mongrate::{Error, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{executions, migrator, record, told};

/// As `thiserror` writes an error that quotes its source.
#[derive(Debug)]
struct Quoting(DriverError);

impl fmt::Display for Quoting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not save the users: {}", self.0)
    }
}

impl StdError for Quoting {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

impl From<DriverError> for Quoting {
    fn from(error: DriverError) -> Self {
        Self(error)
    }
}

/// As `#[error(transparent)]` does it: the source is the source's.
#[derive(Debug)]
struct Transparent(DriverError);

impl fmt::Display for Transparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Transparent {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl From<DriverError> for Transparent {
    fn from(error: DriverError) -> Self {
        Self(error)
    }
}

/// The collection through either handle.
enum Users {
    InTransaction(TxCollection<Document>),
    Raw(Collection<Document>),
}

impl Users {
    /// Fails as the test says.
    async fn write(self, fault: &str) -> Result<(), DriverError> {
        let lacking = [doc! { "_id": 1, "email": "a" }, doc! { "_id": 2, "mail": "b" }];
        let (duplicate, filter) = (doc! { "_id": 3, "email": "ana" }, doc! { "_id": 0 });
        let update = doc! { "$unset": { "email": 1 } };
        match (self, fault) {
            (Self::InTransaction(users), "validation") => users.insert_many(lacking).await.map(drop),
            (Self::InTransaction(users), "duplicate") => users.insert_one(duplicate).await.map(drop),
            (Self::InTransaction(users), "duplicates") => users.insert_many([duplicate]).await.map(drop),
            (Self::InTransaction(users), "modify") => users.find_one_and_update(filter, update).await.map(drop),
            (Self::Raw(users), "validation") => users.insert_many(lacking).await.map(drop),
            (Self::Raw(users), "duplicate") => users.insert_one(duplicate).await.map(drop),
            (Self::Raw(users), "duplicates") => users.insert_many([duplicate]).await.map(drop),
            (Self::Raw(users), "modify") => users.find_one_and_update(filter, update).await.map(drop),
            (_, other) => panic!("{other}"),
        }
    }
}

const FAULTS: [&str; 4] = ["validation", "duplicate", "duplicates", "modify"];

async fn in_transaction(tx: &mut Tx) -> Result<(), DriverError> {
    for fault in FAULTS {
        if told(tx, fault).await? {
            return Users::InTransaction(tx.collection("users")).write(fault).await;
        }
    }
    Ok(())
}

async fn raw(db: &Database) -> Result<(), DriverError> {
    for fault in FAULTS {
        if db.collection::<Document>("told").count_documents(doc! { "_id": fault }).await? > 0 {
            return Users::Raw(db.collection("users")).write(fault).await;
        }
    }
    Ok(())
}

#[migration(id = "001_users", source = "module:refused-driver-tx")]
async fn driver_tx(tx: &mut Tx) -> Result<(), DriverError> {
    in_transaction(tx).await
}

#[migration(id = "001_users", source = "module:refused-anyhow-tx")]
async fn anyhow_tx(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(in_transaction(tx).await?)
}

#[migration(id = "001_users", source = "module:refused-boxed-tx")]
async fn boxed_tx(tx: &mut Tx) -> Result<(), Box<dyn StdError + Send + Sync>> {
    Ok(in_transaction(tx).await?)
}

#[migration(id = "001_users", source = "module:refused-ours-tx")]
async fn ours_tx(tx: &mut Tx) -> Result<(), Error> {
    Ok(in_transaction(tx).await?)
}

#[migration(id = "001_users", source = "module:refused-quoting-tx")]
async fn quoting_tx(tx: &mut Tx) -> Result<(), Quoting> {
    Ok(in_transaction(tx).await?)
}

#[migration(id = "001_users", source = "module:refused-transparent-tx")]
async fn transparent_tx(tx: &mut Tx) -> Result<(), Transparent> {
    Ok(in_transaction(tx).await?)
}

#[migration(id = "001_users", source = "module:refused-driver-db")]
async fn driver_db(db: &Database) -> Result<(), DriverError> {
    raw(db).await
}

#[migration(id = "001_users", source = "module:refused-anyhow-db")]
async fn anyhow_db(db: &Database) -> Result<(), anyhow::Error> {
    Ok(raw(db).await?)
}

#[migration(id = "001_users", source = "module:refused-transparent-db")]
async fn transparent_db(db: &Database) -> Result<(), Transparent> {
    Ok(raw(db).await?)
}

const SOURCES: [&str; 9] = [
    "module:refused-driver-tx",
    "module:refused-anyhow-tx",
    "module:refused-boxed-tx",
    "module:refused-ours-tx",
    "module:refused-quoting-tx",
    "module:refused-transparent-tx",
    "module:refused-driver-db",
    "module:refused-anyhow-db",
    "module:refused-transparent-db",
];

/// A refused write and its message.
async fn refused(source: &str, fault: &str) -> Vec<String> {
    let db = TestDb::new().await;
    let users = doc! { "create": "users", "validator": { "$jsonSchema": { "required": ["email"] } } };
    db.run_command(users).await.unwrap();
    let index = doc! { "key": { "email": 1 }, "name": "email_1", "unique": true };
    db.run_command(doc! { "createIndexes": "users", "indexes": [index] }).await.unwrap();
    db.collection::<Document>("users").insert_one(doc! { "_id": 0, "email": "ana" }).await.unwrap();
    db.collection::<Document>("told").insert_one(doc! { "_id": fault }).await.unwrap();
    let error = migrator(&db, source).build().unwrap().up().await.unwrap_err();
    let mut texts = vec![error.to_string()];
    let Error::Failed { report, message, .. } = &error else { panic!("{error}") };
    let failed = report.failed().next().unwrap();
    assert!(matches!(&failed.outcome, Outcome::Failed { message: told, .. } if told == message), "{report}");
    texts.extend([message.clone(), report.to_string()]);
    let record = record(&db, &format!("{source}:001_users")).await.unwrap();
    let entry = executions(&db).await.pop().unwrap();
    for document in [record, entry] {
        texts.push(document.get_str("error").unwrap().to_owned());
        let stack = document.get_array("errorStack").unwrap();
        texts.push(stack.iter().map(|link| link.as_str().unwrap()).collect::<Vec<_>>().join("\n"));
        // What the body returned, and at its end what the server said.
        assert!(!stack.is_empty());
    }
    texts
}

#[tokio::test]
async fn a_refusal_names_the_document_and_the_reason() {
    for (fault, words) in [
        ("validation", "Document failed validation: _id 2, missing: email (code 121)"),
        ("duplicate", "index: email_1 dup key: { email: \"ana\" } (code 11000)"),
        ("duplicates", "index: email_1 dup key: { email: \"ana\" } (code 11000)"),
        ("modify", "Document failed validation: _id 0, missing: email (DocumentValidationFailure, code 121)"),
    ] {
        for source in SOURCES {
            for text in refused(source, fault).await {
                assert!(text.contains(words), "{source}, {fault}: {text}");
                for notation in ["Kind:", "labels:", "Some(", "None", "Error {", "RawDocumentBuf", "An error occurred"]
                {
                    assert!(!text.contains(notation), "{source}, {fault}: '{notation}' in: {text}");
                }
            }
        }
    }
}

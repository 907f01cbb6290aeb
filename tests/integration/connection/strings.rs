//! No error quotes a connection string, which may contain a password.

use mongrate::migrator::DatabaseFilter;
use mongrate::{Error, Migrator};

const USER: &str = "maria-kovacs";
const PASSWORD: &str = "correct-horse";

fn assert_discreet(error: &Error) {
    let told = format!("{error} {error:?}").to_lowercase();
    println!("{error}");
    for secret in [USER, PASSWORD, "kovacs", "horse"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn no_error_quotes_a_connection_string() {
    for uri in [
        format!("mongodb://{USER}:{PASSWORD}"),
        format!("mongodb://{USER}:{PASSWORD}@localhost:port/shop"),
        format!("mongodb://{USER}:{PASSWORD}/@localhost/shop"),
        format!("mongodb://{USER}:%zz{PASSWORD}@localhost/shop"),
        format!("mongodb://{USER}:{PASSWORD}@localhost/shop?authMechanism=SCRAM-{PASSWORD}"),
        format!("mongodb+srv://{USER}:{PASSWORD}@a.b.invalid/shop"),
        format!("{USER}:{PASSWORD}@localhost/shop"),
    ] {
        let error = Migrator::connect(&uri, "shop").await.unwrap_err();
        assert!(matches!(error, Error::ConnectionString { .. } | Error::HostNotFound), "{error:?}");
        assert_discreet(&error);
        assert_discreet(&Migrator::for_each_at(uri, DatabaseFilter::named(["shop"])).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_connection_string_without_secrets_keeps_the_drivers_message() {
    let error = Migrator::connect("mongodb://localhost/?replicaset", "shop").await.unwrap_err();
    let told = "the connection string is not valid: connection string option is not a 'key=value' pair: replicaset. It looks \
                like mongodb://localhost/shop";
    assert_eq!(error.to_string(), told);
}

#[tokio::test]
async fn a_migrator_does_not_print_its_password() {
    let uri = format!("mongodb://{USER}:{PASSWORD}@localhost:1/shop");
    let builder = Migrator::connect(&uri, "shop").await.unwrap();
    let printed = format!("{builder:?}");
    assert!(!printed.contains(PASSWORD), "{printed}");
}

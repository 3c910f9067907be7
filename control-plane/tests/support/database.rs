//! The databases that tests run on, and a test that runs on both.

#[allow(unused_imports)] // Each test file uses its part.
pub(crate) use countersign_database::testing::{Database, On, Server};

/// A test once for each database: the function takes an `On`, and the tests are its name with
/// `::sqlite` and `::postgres`.
#[allow(unused_macros)] // Each test file uses its part.
macro_rules! on_both {
    ($name:ident $(, $($flavour:tt)*)?) => {
        mod $name {
            use crate::support::database::On;

            #[tokio::test$(($($flavour)*))?]
            async fn sqlite() {
                super::$name(On::Sqlite).await;
            }

            #[tokio::test$(($($flavour)*))?]
            async fn postgres() {
                super::$name(On::Postgres).await;
            }
        }
    };
}
#[allow(unused_imports)]
pub(crate) use on_both;

//! The values of the application that migrations can use, by type.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// The values that the application provides. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Provided(Vec<Value>);

#[derive(Clone)]
struct Value {
    of: TypeId,
    name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

impl Provided {
    pub(crate) fn add<T: Any + Send + Sync>(&mut self, value: T) {
        self.0.push(Value { of: TypeId::of::<T>(), name: type_name::<T>(), value: Arc::new(value) });
    }

    /// Returns whether there is a value of this type.
    pub(crate) fn has(&self, of: TypeId) -> bool {
        self.0.iter().any(|value| value.of == of)
    }

    /// Returns the value of a type. `id` is the migration that asks.
    pub(crate) fn get<T: Any + Send + Sync>(&self, id: &'static str) -> Result<Arc<T>, Error> {
        let mut values = self.0.iter().filter(|value| value.of == TypeId::of::<T>());
        let value = values.next().and_then(|value| value.value.clone().downcast().ok());
        value.ok_or(Error::NotProvided { id, name: type_name::<T>() })
    }

    /// Fails with [`Error::InvalidOption`] if there are two values of one type.
    pub(super) fn check(&self, option: &'static str) -> Result<(), Error> {
        let repeated =
            self.0.iter().enumerate().filter(|(index, value)| self.0[..*index].iter().any(|v| v.of == value.of));
        Error::gather(repeated.map(|(_, value)| twice(option, value.name)).collect())
    }
}

fn twice(option: &'static str, name: &str) -> Error {
    let accepted = "one value of each type: wrap the second one in a type of its own";
    Error::InvalidOption { option, value: format!("called twice with a value of the type `{name}`"), accepted }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|value| value.name)).finish()
    }
}

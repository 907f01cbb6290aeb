//! The values of the application that migrations can use, by type.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::Arc;

/// The values that the application provides. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Provided(Vec<Value>);

#[derive(Clone)]
struct Value {
    of: TypeId,
    name: &'static str,
    shared: Arc<dyn Any + Send + Sync>,
}

impl Provided {
    pub(crate) fn add<T: Any + Send + Sync>(&mut self, value: T) {
        self.0.push(Value { of: TypeId::of::<T>(), name: type_name::<T>(), shared: Arc::new(value) });
    }

    /// Returns whether there is a value of this type.
    pub(crate) fn has(&self, of: TypeId) -> bool {
        self.0.iter().any(|value| value.of == of)
    }

    /// Returns the value of a type.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.0.iter().find(|value| value.of == TypeId::of::<T>())?;
        value.shared.clone().downcast().ok()
    }

    /// Returns the types that have a second value.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = &'static str> {
        let repeated = self
            .0
            .iter()
            .enumerate()
            .filter(|(index, value)| self.0[..*index].iter().any(|first| first.of == value.of));
        repeated.map(|(_, value)| value.name)
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|value| value.name)).finish()
    }
}

//! What one `#[migration]` declares.

use std::any::{Any, TypeId, type_name};
use std::error::Error;
use std::fmt;
use std::panic::RefUnwindSafe;
use std::time::Duration;

use mongodb::{BoxFuture, Database};

use super::conditions::Condition;
use super::effect::Effect;
use super::kinds::{Kind, Source};

/// A declared migration: the one `static` of its expansion, and a node of the graph that
/// [`assert_acyclic`](crate::__private::assert_acyclic) walks.
pub struct Registration {
    /// Hash of the qualified id, the same as in [`Id`](crate::__private::Id).
    pub key: u128,
    /// Qualified id.
    pub id: &'static str,
    /// The source that the migration belongs to.
    pub source: Source<'static>,
    /// Qualified ids, including the `extern` ones.
    pub dependencies: &'static [&'static str],
    /// The dependencies that this crate can see.
    pub visible: &'static [NodeRef],
    /// `description = "..."`, or else the doc comment.
    pub description: &'static str,
    /// `t2:<sha256>` of the function's tokens, or of the content of the module.
    pub checksum: &'static str,
    /// The function, or the module's `up`.
    pub up: &'static dyn Run,
    /// `down = path`, or the module's `down`.
    pub down: Option<Down>,
    /// `verify = path`, or the module's `verify`.
    pub verify: Option<Verify>,
    /// `irreversible = "reason"`.
    pub irreversible: Option<&'static str>,
    /// `relies_on = [path]`, as written. For display only.
    pub relies_on: &'static [&'static str],
    /// `needs = [Type]`.
    pub needs: &'static [Need],
    /// `only_in = [..]` or `when = path`.
    pub condition: Option<Condition>,
    /// `manual`.
    pub manual: bool,
    /// `timeout = "10m"`.
    pub timeout: Option<Duration>,
    /// `file!()` of the function.
    pub file: &'static str,
    /// `line!()` of the function.
    pub line: u32,
}

// It is immutable, which `dyn Run` does not say.
impl RefUnwindSafe for Registration {}

impl Registration {
    /// The values of the fields that an expansion leaves out.
    pub const DEFAULT: Self = Self {
        key: 0,
        id: "",
        source: Source::System,
        dependencies: &[],
        visible: &[],
        description: "",
        checksum: "",
        up: &Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) },
        down: None,
        verify: None,
        irreversible: None,
        relies_on: &[],
        needs: &[],
        condition: None,
        manual: false,
        timeout: None,
        file: "",
        line: 0,
    };
}

/// A [`Registration`] behind a pointer that rustc does not follow by itself. With a reference in its place, rustc would
/// report a circular dependency as a cycle of constants, in words of its own.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef(*const Registration);

// SAFETY: it is only ever made of a `&'static Registration`, and the fields of a `Registration` other than this one are
// `Sync`.
#[allow(unsafe_code)]
unsafe impl Sync for NodeRef {}

impl NodeRef {
    /// Points at the `static` of a migration.
    #[must_use]
    pub const fn new(registration: &'static Registration) -> Self {
        Self(registration)
    }

    /// The migration.
    #[must_use]
    pub const fn get(self) -> &'static Registration {
        // SAFETY: `new` took it from a `&'static Registration`.
        #[allow(unsafe_code)]
        unsafe {
            &*self.0
        }
    }
}

/// A type in `needs = [Type]`. The functions are not called at compile time, because `TypeId::of` and `type_name` are not
/// `const` in the oldest supported compiler.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    pub(crate) of: fn() -> TypeId,
    pub(crate) name: fn() -> &'static str,
}

impl Need {
    /// The need for a value of a type.
    #[must_use]
    pub const fn of<T: Any + Send + Sync>() -> Self {
        Self { of: TypeId::of::<T>, name: type_name::<T> }
    }
}

/// An error of any type, as a body returned it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Everything that a body may ask for. Opaque here: only what makes it and what takes the argument out of it know the type inside.
pub struct Context(Box<dyn Any + Send + Sync>);

impl Context {
    pub(crate) fn new(inside: impl Any + Send + Sync) -> Self {
        Self(Box::new(inside))
    }

    pub(crate) fn inside<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    pub(crate) fn into_inside<T: Any>(self) -> Option<T> {
        self.0.downcast().ok().map(|inside| *inside)
    }

    pub(crate) fn inside_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.0.downcast_mut()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// A function that changes the database, whatever the types of its argument and of its error are.
pub trait Run: Sync {
    /// From the type of the argument.
    fn kind(&self) -> Kind;
    /// Calls the function with the argument from the context.
    fn run<'a>(&self, context: &'a mut Context) -> BoxFuture<'a, Result<(), BoxError>>;
}

/// A function of which only the context knows the type of the argument.
pub type Body = for<'a> fn(&'a mut Context) -> BoxFuture<'a, Result<(), BoxError>>;

/// `down = path`: its argument may be of another kind than that of the migration.
#[derive(Clone, Copy, Debug)]
pub struct Down {
    /// From the type of the argument.
    pub kind: Kind,
    /// The function.
    pub body: Body,
}

impl Run for Down {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run<'a>(&self, context: &'a mut Context) -> BoxFuture<'a, Result<(), BoxError>> {
        (self.body)(context)
    }
}

/// `verify = path`: what there is of the migration's effect.
pub type Verify = for<'a> fn(&'a Database) -> BoxFuture<'a, Result<Effect, BoxError>>;

//! XML-RPC as Supervisor's clients speak it: values and their XML (`parse`, `print`), the methods
//! (`method`, `catalogue`), their faults and the shapes of their answers.
//!
//! Only the protocol lives here. What a method does is the master's (`master::rpc`), asked with a
//! [`method::Method`] and answering with a [`value::Value`].

pub(crate) mod base64;
pub(crate) mod value;

pub(crate) mod parse;
pub(crate) mod print;

pub(crate) mod config_info;
pub(crate) mod fault;
pub(crate) mod method;
pub(crate) mod shape;

mod catalogue;

pub(crate) mod desk;
pub(crate) mod tail;

#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

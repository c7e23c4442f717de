//! What happens, told to event listeners by Supervisor's protocol.
//!
//! `hub` knows who wants to hear of what and which listener has which event; `supervise::listener`
//! understands what they answer. Whoever makes something happen announces it at the desk, which costs
//! nothing while nobody listens. Events of one engine life are numbered; a listener is given one
//! at a time, and one that breaks the protocol or does not answer in time is killed, so that the
//! restart policy decides what becomes of it.

pub(super) mod channel;
pub(super) mod course;
pub(super) mod hub;
pub(super) mod payload;
pub(super) mod saved;

mod tell;
mod ticks;

use std::cell::RefCell;
use std::rc::Rc;

/// Instances announce to it, and so do the readers of what they print.
pub(super) type SharedHub = Rc<RefCell<hub::Hub>>;

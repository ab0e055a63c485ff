//! Whitening by the training examples, computed when a run starts and always in the same way: of all numbers of an example
//! ([`Zca`]), or of patches by a network's first layer ([`set_filters`]).

mod patches;
mod zca;

pub(crate) use patches::set_filters;
pub(crate) use zca::Zca;

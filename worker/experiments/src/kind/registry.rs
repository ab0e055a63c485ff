//! The kinds that a program has beside Basin's own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use basin_domain::custom_kind::{InvalidDeclaration, InvalidParameter, KindDeclaration};
use basin_domain::experiment::{Custom, Experiment};
use basin_domain::id::KindName;
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;

use super::Kind;
use super::driven::{Driven, Opened, open};
use super::task::Task;
use crate::{Assets, ExperimentError, Run};

/// The kinds that a program has beside Basin's own.
#[derive(Clone, Default)]
pub struct Kinds {
    kinds: BTreeMap<KindName, Arc<dyn AnyKind>>,
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}

impl Kinds {
    /// No kinds beside Basin's own.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same and this kind.
    ///
    /// # Errors
    /// If its declaration isn't valid, or there is a kind of its name already.
    pub fn with<K: Kind>(mut self, kind: K) -> Result<Self, InvalidDeclaration> {
        let declaration = Arc::new(KindDeclaration::new(kind.declaration())?);
        let name = declaration.name().clone();
        if self.kinds.contains_key(&name) {
            let why = "the program has two kinds of this name".to_owned();
            return Err(InvalidDeclaration { kind: name.to_string(), why });
        }
        self.kinds.insert(name, Arc::new(Registered { kind, declaration }));
        Ok(self)
    }

    /// What each kind declares, by their names' order.
    pub fn declarations(&self) -> Vec<KindDeclaration> {
        self.kinds.values().map(|kind| kind.declaration().clone()).collect()
    }

    /// Whether the kind of this experiment is here, in its version.
    pub fn has(&self, custom: &Custom) -> bool {
        self.of(custom).is_some()
    }

    /// Asks the kind whether it can run these parameters. A kind that isn't here has nothing to say.
    ///
    /// # Errors
    /// What the kind says.
    pub fn check(&self, custom: &Custom) -> Result<(), InvalidParameter> {
        self.of(custom).map_or(Ok(()), |kind| kind.check(custom))
    }

    /// Starts the run of `spec`, whatever its kind, or goes on from a `checkpoint` of it.
    ///
    /// # Errors
    /// As [`crate::start`]; [`ExperimentError::UnknownKind`] if the kind isn't here.
    pub fn start(
        &self,
        spec: &TaskSpec,
        assets: &Assets,
        checkpoint: Option<&[u8]>,
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let Experiment::Custom(custom) = &spec.experiment else {
            return crate::start(spec, assets, checkpoint);
        };
        let (name, version) = (custom.name.to_string(), custom.version);
        let kind = self.of(custom).ok_or(ExperimentError::UnknownKind { name, version })?;
        kind.start(spec, custom, assets, checkpoint)
    }

    fn of(&self, custom: &Custom) -> Option<&dyn AnyKind> {
        let kind = self.kinds.get(&custom.name)?;
        (kind.declaration().version() == custom.version).then_some(&**kind)
    }
}

/// A kind, whatever its types.
trait AnyKind: Send + Sync {
    fn declaration(&self) -> &KindDeclaration;
    fn check(&self, custom: &Custom) -> Result<(), InvalidParameter>;
    fn start(
        &self,
        spec: &TaskSpec,
        custom: &Custom,
        assets: &Assets,
        checkpoint: Option<&[u8]>,
    ) -> Result<Box<dyn Run>, ExperimentError>;
}

struct Registered<K> {
    kind: K,
    declaration: Arc<KindDeclaration>,
}

impl<K: Kind> Registered<K> {
    fn parameters(custom: &Custom) -> Result<K::Parameters, serde_json::Error> {
        serde_json::from_str(&custom.parameters_json())
    }
}

impl<K: Kind> AnyKind for Registered<K> {
    fn declaration(&self) -> &KindDeclaration {
        &self.declaration
    }

    fn check(&self, custom: &Custom) -> Result<(), InvalidParameter> {
        let parameters = Self::parameters(custom).map_err(|error| {
            let why = format!("has parameters that its own code can't read: {error}");
            InvalidParameter::new(custom.name.as_str(), why)
        })?;
        self.kind.check(&parameters)
    }

    fn start(
        &self,
        spec: &TaskSpec,
        custom: &Custom,
        assets: &Assets,
        checkpoint: Option<&[u8]>,
    ) -> Result<Box<dyn Run>, ExperimentError> {
        let invalid = |why: String| ExperimentError::InvalidParameters(why);
        let parameters = Self::parameters(custom).map_err(|error| invalid(error.to_string()))?;
        self.kind.check(&parameters).map_err(|error| invalid(error.to_string()))?;
        let (id, dataset) = (spec.id(), assets.dataset.as_deref());
        let task = Task { parameters, seed: spec.seed, dataset, assets };
        let opened = checkpoint.map(|bytes| open(bytes, id)).transpose()?;
        let run = self.kind.start(&task, opened.as_ref().map(|opened| &opened.saved))?;
        let metrics = opened.map_or_else(Metrics::default, |Opened { metrics, .. }| metrics);
        Ok(Box::new(Driven::new(id, Arc::clone(&self.declaration), run, metrics)))
    }
}

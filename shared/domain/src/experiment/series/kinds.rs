//! The declarations of each kind, by the kind's name.

use super::declaration::SeriesDeclaration;
use super::{classify, critical_point, fit_function, interpolate, probe, regress, surface, training};
use crate::experiment::{Classify, CriticalPoint, FitFunction, Interpolate, Regress, Surface};

/// Every kind that declares series of its own.
pub const KINDS: [&str; 6] =
    [FitFunction::KIND, Classify::KIND, Regress::KIND, CriticalPoint::KIND, Interpolate::KIND, Surface::KIND];

/// All series and numbers that runs of this kind may record; none of a word that is no kind's name.
pub fn declared_by(kind: &str) -> impl Iterator<Item = &'static SeriesDeclaration> + Clone + use<> {
    const TRAINING: &[&[SeriesDeclaration]] = &[training::ON_THE_WAY, probe::DECLARED];
    let (own, shared) = match kind {
        FitFunction::KIND => (fit_function::DECLARED, TRAINING),
        Classify::KIND => (classify::DECLARED, TRAINING),
        Regress::KIND => (regress::DECLARED, TRAINING),
        CriticalPoint::KIND => (critical_point::DECLARED, Default::default()),
        Interpolate::KIND => (interpolate::DECLARED, Default::default()),
        Surface::KIND => (surface::DECLARED, Default::default()),
        _ => Default::default(),
    };
    own.iter().chain(shared.iter().copied().flatten())
}

/// The declaration of this name by one of these kinds; by any kind if none of them has it. Where they call it differently, the
/// shortest label is that of what they have in common (`loss`, of `loss` and `batch loss`).
pub fn find<'k>(name: &str, kinds: impl IntoIterator<Item = &'k str>) -> Option<&'static SeriesDeclaration> {
    let by = |kind: &str| declared_by(kind).find(|declared| declared.name == name);
    let own = kinds.into_iter().filter_map(by).min_by_key(|declared| declared.label.len());
    own.or_else(|| KINDS.into_iter().find_map(by)).or_else(|| numbered(name))
}

/// The declaration of this name among those of which a kind has many, by number.
fn numbered(name: &str) -> Option<&'static SeriesDeclaration> {
    const NUMBERED: [&[SeriesDeclaration]; 3] =
        [&probe::EIGENVALUES, &probe::LAYER_EIGENVALUES, &probe::LAYER_SPECTRA];
    NUMBERED.into_iter().flatten().find(|declared| declared.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Best;

    #[test]
    fn a_series_is_called_what_its_kind_calls_it() {
        let label = |name, kinds: &[&str]| find(name, kinds.iter().copied()).map(|declared| declared.label);
        assert_eq!(label("loss", &[Classify::KIND]), Some("batch loss"));
        assert_eq!(label("loss", &[CriticalPoint::KIND]), Some("loss"));
        assert_eq!(label("loss", &[Classify::KIND, CriticalPoint::KIND]), Some("loss"));
        assert_eq!(label("sharpness", &[Interpolate::KIND]), Some("sharpness"));
        assert_eq!(
            label("layer_7_eigenvalue", &[Classify::KIND]),
            Some("largest eigenvalue of the Hessian of layer 7")
        );
        assert_eq!(label("nothing", &[Classify::KIND]), None);
    }

    #[test]
    fn a_name_means_one_quantity_whatever_kind_records_it() {
        for kind in KINDS {
            let declared: Vec<_> = declared_by(kind).collect();
            for (place, one) in declared.iter().enumerate() {
                assert!(declared[..place].iter().all(|other| other.name != one.name), "{kind}: {}", one.name);
                let any = find(one.name, []).unwrap();
                assert_eq!(
                    (any.unit, any.split, any.best),
                    (one.unit, one.split, one.best),
                    "{kind}: {}",
                    one.name
                );
            }
        }
    }

    #[test]
    fn every_declaration_says_what_it_means() {
        for declared in KINDS.into_iter().flat_map(declared_by) {
            let meaning = declared.meaning.trim();
            assert!(meaning.ends_with('.') && !meaning.contains("  "), "{}: {meaning:?}", declared.name);
        }
        assert!(find("eigenvalue_3", []).is_some_and(|declared| declared.meaning.is_empty()));
    }

    #[test]
    fn losses_are_best_at_their_lowest_and_accuracies_at_their_highest() {
        for (name, best) in [("train_loss", Best::Lowest), ("final_train_accuracy", Best::Highest)] {
            assert_eq!(find(name, []).and_then(|declared| declared.best), Some(best));
        }
        assert_eq!(find("gradient_norm", []).and_then(|declared| declared.best), None);
    }
}

//! Principal components from a Gram matrix.

use nalgebra::{DMatrix, SymmetricEigen};

use super::gram::Gram;

/// Sweeps of the eigenvalue iteration for each row of the matrix: some three are usual.
const SWEEPS: usize = 100;

/// Snapshots along their first principal components.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Components {
    /// For each component, the coordinate of each snapshot.
    pub(super) scores: Vec<Vec<f64>>,
    /// For each component, its share of the total variance; 0 if there is none.
    pub(super) explained: Vec<f64>,
}

/// The first `wanted` principal components. With the centred snapshots as rows of X = U·S·Vᵀ, X·Xᵀ = U·S²·Uᵀ: the
/// eigenvectors of the Gram matrix, times the roots of their eigenvalues, are the scores X·V (Jolliffe 2002, "Principal
/// Component Analysis", section 3.5). A component's sign, which has no meaning, is that which makes the score of greatest
/// magnitude positive, of equal ones the first. None if the eigenvalue iteration doesn't converge.
pub(super) fn principal(gram: &Gram, wanted: usize) -> Option<Components> {
    let count = gram.count();
    if count == 0 {
        return Some(Components { scores: vec![Vec::new(); wanted], explained: vec![0.0; wanted] });
    }
    let matrix = DMatrix::from_fn(count, count, |a, b| gram.product(a, b));
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, SWEEPS * count)?;
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]).then(a.cmp(&b)));
    let total: f64 = (0..count).map(|snapshot| gram.product(snapshot, snapshot)).sum();
    let (mut scores, mut explained) = (Vec::new(), Vec::new());
    for rank in 0..wanted {
        // Centred snapshots have a rank below their number: what is left beyond it is rounding.
        let Some(&index) = order.get(rank).filter(|_| rank + 1 < count && total > 0.0) else {
            scores.push(vec![0.0; count]);
            explained.push(0.0);
            continue;
        };
        let eigenvalue = eigen.eigenvalues[index].max(0.0);
        let length = eigenvalue.sqrt();
        let mut component: Vec<f64> =
            eigen.eigenvectors.column(index).iter().map(|entry| entry * length).collect();
        let greatest = component
            .iter()
            .fold(0.0, |greatest: f64, score| if score.abs() > greatest.abs() { *score } else { greatest });
        if greatest < 0.0 {
            component.iter_mut().for_each(|score| *score = -*score);
        }
        scores.push(component);
        explained.push(eigenvalue / total);
    }
    Some(Components { scores, explained })
}

//! The backward pass through a network of this crate's operations.
//!
//! Candle's `backward()` makes a tensor of zeros for each gradient and adds the gradient to it, which for small networks takes
//! longer than the gradients themselves. [`vector_jacobian`] walks over the same graph and keeps the first gradient as it is. It needs
//! to know each node's operation, which Candle keeps to itself: so operations are recorded when they are applied, by the id of
//! their result, and forgotten when Candle drops the graph.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use candle_core::backprop::GradStore;
use candle_core::{
    CpuStorage, CustomOp2, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, TensorId, bail,
};

use crate::second_order::{Dual, OpContext, SecondOrder};

/// The gradients of a scalar: what `loss.backward()` gives, sooner.
///
/// It is sooner if all that lies between variables and the scalar are operations of this crate, applied on this thread;
/// otherwise Candle's own `backward` does the work.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    vector_jacobian(loss, &loss.ones_like()?)
}

/// The gradients of Σ `vector`ᵢ·`output`ᵢ, for a constant `vector` of the output's shape: the product of the vector with the
/// Jacobian of the output. Several of them can be taken of one forward pass.
pub fn vector_jacobian(output: &Tensor, vector: &Tensor) -> Result<GradStore> {
    if output.shape() != vector.shape() {
        bail!("vector_jacobian: output {:?} and vector {:?} differ", output.shape(), vector.shape());
    }
    let Some(steps) = tape_to(output) else {
        #[expect(
            clippy::disallowed_methods,
            reason = "no run has operations of others: this is for whoever builds on the crate"
        )]
        return (output * vector)?.sum_all()?.backward();
    };
    let mut gradients = empty_store()?;
    gradients.insert(output, vector.clone());
    for (result, step) in steps {
        let Some(gradient) = gradients.remove(result) else {
            continue;
        };
        for (input, gradient) in step.inputs.iter().zip(step.go_back(result, &gradient)?) {
            if let Some(gradient) = gradient.filter(|_| input.track_op()) {
                let total = match gradients.remove(input) {
                    Some(sum) => (sum + gradient)?,
                    None => gradient,
                };
                gradients.insert(input, total);
            }
        }
    }
    Ok(gradients)
}

/// The nodes that lead to `output`, each after those that depend on it, with their steps; none if one of them is an operation
/// of another's, or was applied on another thread.
pub(crate) fn tape_to(output: &Tensor) -> Option<Vec<(&Tensor, Arc<TapeEntry>)>> {
    let nodes: Vec<&Tensor> = output.sorted_nodes().into_iter().filter(|node| !node.is_variable()).collect();
    let steps = TAPE.with_borrow(|record| record.find(&nodes))?;
    Some(nodes.into_iter().zip(steps).collect())
}

/// Candle doesn't let others make a store: this is the one of a scalar that depends on nothing.
pub(crate) fn empty_store() -> Result<GradStore> {
    let scalar = Tensor::zeros((), DType::F32, &Device::Cpu)?;
    let mut store = scalar.backward()?;
    store.remove(&scalar);
    Ok(store)
}

/// Applies an operation and records it.
pub(crate) fn apply2(
    inputs: [Tensor; 2],
    operation: impl CustomOp2 + SecondOrder + Send + Sync + 'static,
) -> Result<Tensor> {
    let [a, b] = inputs.clone();
    let step = Arc::new(TapeEntry { inputs: inputs.into(), operation: Operation::Two(Box::new(operation)) });
    record(a.apply_op2(&b, TapedOp(Arc::clone(&step)))?, &step)
}

/// Applies an operation and records it.
pub(crate) fn apply3(
    inputs: [Tensor; 3],
    operation: impl CustomOp3 + SecondOrder + Send + Sync + 'static,
) -> Result<Tensor> {
    let [a, b, c] = inputs.clone();
    let step =
        Arc::new(TapeEntry { inputs: inputs.into(), operation: Operation::Three(Box::new(operation)) });
    record(a.apply_op3(&b, &c, TapedOp(Arc::clone(&step)))?, &step)
}

fn record(result: Tensor, step: &Arc<TapeEntry>) -> Result<Tensor> {
    if result.track_op() {
        TAPE.with_borrow_mut(|record| record.insert(result.id(), Arc::downgrade(step)));
    }
    Ok(result)
}

/// An operation of two tensors that has second derivatives too.
trait Binary: CustomOp2 + SecondOrder {}

impl<T: CustomOp2 + SecondOrder> Binary for T {}

/// An operation of three tensors that has second derivatives too.
trait Ternary: CustomOp3 + SecondOrder {}

impl<T: CustomOp3 + SecondOrder> Ternary for T {}

enum Operation {
    Two(Box<dyn Binary + Send + Sync>),
    Three(Box<dyn Ternary + Send + Sync>),
}

/// An operation with its inputs.
pub(crate) struct TapeEntry {
    pub(crate) inputs: Vec<Tensor>,
    operation: Operation,
}

impl TapeEntry {
    /// The gradients of the inputs.
    fn go_back(&self, result: &Tensor, gradient: &Tensor) -> Result<[Option<Tensor>; 3]> {
        match (&self.operation, self.inputs.as_slice()) {
            (Operation::Two(operation), [a, b]) => {
                operation.bwd(a, b, result, gradient).map(|(a, b)| [a, b, None])
            }
            (Operation::Three(operation), [a, b, c]) => {
                operation.bwd(a, b, c, result, gradient).map(<[_; 3]>::from)
            }
            _ => unreachable!("a step is made with as many inputs as its operation takes"),
        }
    }

    fn second_order(&self) -> &dyn SecondOrder {
        match &self.operation {
            Operation::Two(operation) => operation.as_ref(),
            Operation::Three(operation) => operation.as_ref(),
        }
    }

    /// The derivative of the result along the inputs' tangents.
    pub(crate) fn jvp(&self, context: &OpContext<'_>) -> Result<Tensor> {
        self.second_order().jvp(context)
    }

    /// The gradients of the inputs and their derivatives along the tangents, one pair an input.
    pub(crate) fn vjp_jvp(&self, context: &OpContext<'_>, gradient: &Dual) -> Result<Vec<Dual>> {
        self.second_order().vjp_jvp(context, gradient)
    }
}

/// The operation as Candle's graph holds it: as long as the graph lives, so does the step.
struct TapedOp(Arc<TapeEntry>);

impl CustomOp2 for TapedOp {
    fn name(&self) -> &'static str {
        match &self.0.operation {
            Operation::Two(operation) => operation.name(),
            Operation::Three(operation) => operation.name(),
        }
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        match &self.0.operation {
            Operation::Two(operation) => operation.cpu_fwd(s1, l1, s2, l2),
            Operation::Three(_) => unreachable!("applied to as many inputs as the operation takes"),
        }
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.0.go_back(result, gradient).map(|[a, b, _]| (a, b))
    }
}

impl CustomOp3 for TapedOp {
    fn name(&self) -> &'static str {
        CustomOp2::name(self)
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        match &self.0.operation {
            Operation::Three(operation) => operation.cpu_fwd(s1, l1, s2, l2, s3, l3),
            Operation::Two(_) => unreachable!("applied to as many inputs as the operation takes"),
        }
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        self.0.go_back(result, gradient).map(Into::into)
    }
}

thread_local! {
    static TAPE: RefCell<Tape> = RefCell::default();
}

/// The steps of graphs that still live, by their results, and some of graphs that don't.
#[derive(Default)]
struct Tape {
    steps: HashMap<TensorId, Weak<TapeEntry>>,
    /// The dead are thrown out when there are so many steps.
    clear_at: usize,
}

impl Tape {
    fn insert(&mut self, result: TensorId, step: Weak<TapeEntry>) {
        if self.steps.len() >= self.clear_at {
            self.steps.retain(|_, step| step.strong_count() > 0);
            self.clear_at = 2 * self.steps.len() + 64;
        }
        self.steps.insert(result, step);
    }

    /// The steps of all nodes, or none.
    fn find(&self, nodes: &[&Tensor]) -> Option<Vec<Arc<TapeEntry>>> {
        nodes.iter().map(|node| self.steps.get(&node.id())?.upgrade()).collect()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "Candle's backward pass is the reference")]
mod tests {
    use super::*;
    use crate::{Activation, dense, mean_squared_error};
    use candle_core::Var;

    fn var(count: usize, dims: &[usize]) -> Var {
        Var::from_vec((1..=count).map(|value| value as f64 / 7.0).collect(), dims, &Device::Cpu).unwrap()
    }

    fn values(tensor: Option<&Tensor>) -> Vec<f64> {
        tensor.unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn gradients_are_those_of_candles_backward_also_where_a_tensor_is_used_twice() {
        let (x, weight, bias) = (var(4, &[2, 2]), var(4, &[2, 2]), var(2, &[2]));
        let once = dense(&x, &weight, &bias, Activation::Relu).unwrap();
        let twice = dense(&once, &weight, &bias, Activation::Identity).unwrap();
        let target = Tensor::zeros((2, 2), DType::F64, &Device::Cpu).unwrap();
        let loss = mean_squared_error(&twice, &target).unwrap();
        let (ours, candles) = (backward(&loss).unwrap(), loss.backward().unwrap());
        for variable in [&x, &weight, &bias] {
            assert_eq!(values(ours.get(variable)), values(candles.get(variable)));
        }
        assert!(ours.get(&target).is_none());
    }

    #[test]
    fn a_graph_with_candles_own_operations_goes_back_too() {
        let (x, weight, bias) = (var(4, &[2, 2]), var(4, &[2, 2]), var(2, &[2]));
        let loss = dense(&x.sqr().unwrap(), &weight, &bias, Activation::Relu).unwrap().sum_all().unwrap();
        assert_eq!(values(backward(&loss).unwrap().get(&x)), values(loss.backward().unwrap().get(&x)));
    }

    #[test]
    fn several_vectors_go_back_through_one_forward_pass_without_gradients_of_constants() {
        let (x, weight, bias) = (var(4, &[2, 2]), var(4, &[2, 2]), var(2, &[2]));
        let (weight, bias) = (weight.as_detached_tensor(), bias.as_detached_tensor());
        let output = dense(x.as_tensor(), &weight, &bias, Activation::Relu).unwrap();
        let output = dense(&output, &weight, &bias, Activation::Identity).unwrap();
        for vector in [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, -2.0]] {
            let vector = Tensor::new(&vector, &Device::Cpu).unwrap().reshape((2, 2)).unwrap();
            let ours = vector_jacobian(&output, &vector).unwrap();
            let candles = (&output * &vector).unwrap().sum_all().unwrap().backward().unwrap();
            assert_eq!(values(ours.get(&x)), values(candles.get(&x)));
            assert!(ours.get(&weight).is_none() && ours.get(&bias).is_none());
        }
        assert!(vector_jacobian(&output, &bias).is_err(), "of another shape");
    }

    #[test]
    fn steps_of_dropped_graphs_are_forgotten() {
        let (weight, bias) = (var(4, &[2, 2]), var(2, &[2]));
        for _ in 0..if cfg!(miri) { 140 } else { 1000 } {
            dense(&weight, &weight, &bias, Activation::Relu).unwrap();
        }
        assert!(TAPE.with_borrow(|record| record.steps.len()) <= 64);
    }
}

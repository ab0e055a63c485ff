//! Programs of a few operations, and their results in double precision.

use basin_kernels::network::operations::{ConvReluPool, Dense, Relu};
use basin_kernels::network::{Float, Mode, Operation, Program, ProgramBuilder, Wanted};
use candle_core::{Tensor, Var, WithDType};

/// All gradients.
pub(crate) const ALL: Wanted = Wanted { input: true, parameters: true };

/// An operation with its parameters.
pub(crate) type Layer<T> = (Box<dyn Operation<T>>, Vec<Var>);

/// Convolution, ReLU and pooling of images `[channels, height, width]`, by the weight's shape.
pub(crate) fn conv_relu_pool<T: Float>(image: [usize; 3], weight: &Var, bias: &Var) -> Layer<T> {
    let (outputs, _, kernel, _) = weight.dims4().unwrap();
    let operation = ConvReluPool::new(image, outputs, kernel).unwrap();
    (Box::new(operation), vec![weight.clone(), bias.clone()])
}

/// A dense layer, by the weight's shape.
pub(crate) fn dense<T: Float>(weight: &Var, bias: &Var) -> Layer<T> {
    let (outputs, inputs) = weight.dims2().unwrap();
    (Box::new(Dense::new(1, inputs, outputs, true)), vec![weight.clone(), bias.clone()])
}

/// ReLU of so many elements an example.
pub(crate) fn relu<T: Float>(size: usize) -> Layer<T> {
    (Box::new(Relu { size }), Vec::new())
}

/// A dense layer with ReLU.
pub(crate) fn hidden<T: Float>(weight: &Var, bias: &Var) -> [Layer<T>; 2] {
    [dense(weight, bias), relu(bias.elem_count())]
}

/// One operation behind the other, on inputs of so many elements an example.
pub(crate) fn chain<T: Float>(inputs: usize, layers: impl IntoIterator<Item = Layer<T>>) -> Program<T> {
    let mut builder = ProgramBuilder::new(inputs);
    let mut last = builder.input();
    for (operation, parameters) in layers {
        last = builder.add(operation, &[last], parameters, Vec::new()).unwrap();
    }
    builder.build().unwrap()
}

/// One operation, on inputs of the size that it takes.
pub(crate) fn alone<T: Float>(layer: Layer<T>) -> Program<T> {
    chain(layer.0.shapes().inputs[0], [layer])
}

/// The outputs of a batch.
pub(crate) fn outputs<T: Float>(program: &mut Program<T>, x: &Tensor) -> Vec<f64> {
    in_double(program.forward(x, Mode::Evaluation).unwrap())
}

/// What a program makes of a batch and of a vector that goes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passes {
    pub(crate) outputs: Vec<f64>,
    /// The gradients of Σ vector·outputs in the input and in each parameter.
    pub(crate) input: Vec<f64>,
    pub(crate) parameters: Vec<Vec<f64>>,
}

impl Passes {
    /// The gradients, that of the input first.
    pub(crate) fn gradients(&self) -> impl Iterator<Item = &Vec<f64>> {
        std::iter::once(&self.input).chain(&self.parameters)
    }

    /// The bits of all of it.
    pub(crate) fn bits(&self) -> Vec<Vec<u64>> {
        std::iter::once(&self.outputs).chain(self.gradients()).map(|values| super::bits_of(values)).collect()
    }
}

/// Goes forward with a batch, and back with the vector that `vector` makes of the outputs.
pub(crate) fn passes<T: Float>(
    program: &mut Program<T>,
    x: &Tensor,
    vector: impl FnOnce(&[f64]) -> Vec<f64>,
) -> Passes {
    let outputs = outputs(program, x);
    let vector: Vec<T> = vector(&outputs).into_iter().map(T::from_f64).collect();
    let input = program.backward(&vector, ALL).unwrap().unwrap();
    Passes { outputs, input: in_double(&input), parameters: parameter_gradients(program) }
}

/// The gradients of the parameters, from the last backward pass.
pub(crate) fn parameter_gradients<T: Float>(program: &Program<T>) -> Vec<Vec<f64>> {
    let of = |parameter| in_double(program.parameter_gradient(parameter).unwrap());
    program.parameters().iter().map(of).collect()
}

/// The elements in double precision.
pub(crate) fn in_double<T: WithDType>(elements: &[T]) -> Vec<f64> {
    elements.iter().map(|element| element.to_f64()).collect()
}

//! From a list of operations to a program.

use std::collections::HashSet;

use candle_core::{Result, TensorId, Var, bail};

use super::operation::{Float, Operation};
use super::program::{Memory, Node, Program};

/// A value in a network that is being built: its input, or the result of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(usize);

/// A network that is being built, operation by operation.
pub struct ProgramBuilder<T> {
    nodes: Vec<Node<T>>,
    parameters: Vec<Var>,
    buffers: Vec<Var>,
    input_size: usize,
}

impl<T: Float> ProgramBuilder<T> {
    /// A network whose input has so many elements an example.
    pub const fn new(input_size: usize) -> Self {
        Self { nodes: Vec::new(), parameters: Vec::new(), buffers: Vec::new(), input_size }
    }

    /// The network's input.
    pub const fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Adds an operation with its parameters and buffers behind earlier results; gives its own result.
    ///
    /// # Errors
    /// If the operands don't have the sizes that the operation takes, or a parameter or buffer belongs to an operation already.
    pub fn add(
        &mut self,
        operation: Box<dyn Operation<T>>,
        inputs: &[NodeId],
        parameters: Vec<Var>,
        buffers: Vec<Var>,
    ) -> Result<NodeId> {
        let shapes = operation.shapes();
        let sizes: Vec<usize> = inputs.iter().map(|input| self.size(*input)).collect();
        if sizes != shapes.inputs {
            bail!("an operation on inputs of {:?} elements can't take {sizes:?}", shapes.inputs);
        }
        for (given, expected) in [(&parameters, &shapes.parameters), (&buffers, &shapes.buffers)] {
            let found: Vec<&[usize]> = given.iter().map(|variable| variable.dims()).collect();
            if found != expected.iter().map(Vec::as_slice).collect::<Vec<_>>() {
                bail!("an operation with parameters {expected:?} can't take {found:?}");
            }
            if given.iter().any(|variable| variable.dtype() != T::DTYPE || !variable.is_contiguous()) {
                bail!("an operation's parameters are contiguous numbers of {}", T::DTYPE.as_str());
            }
        }
        let mut known: HashSet<TensorId> =
            self.parameters.iter().chain(&self.buffers).map(|variable| variable.id()).collect();
        if !parameters.iter().chain(&buffers).all(|variable| known.insert(variable.id())) {
            bail!("a parameter belongs to one operation: its gradient is that of one place");
        }
        let is_trained = !parameters.is_empty()
            || inputs.iter().any(|input| input.0 > 0 && self.nodes[input.0 - 1].is_trained);
        let index = |all: &mut Vec<Var>, more: Vec<Var>| {
            let first = all.len();
            all.extend(more);
            first..all.len()
        };
        let node = Node {
            size: shapes.output,
            inputs: inputs.iter().map(|input| input.0).collect(),
            parameters: index(&mut self.parameters, parameters),
            buffers: index(&mut self.buffers, buffers),
            operation,
            is_trained,
        };
        self.nodes.push(node);
        Ok(NodeId(self.nodes.len()))
    }

    /// Elements of an example's value.
    pub fn size(&self, node: NodeId) -> usize {
        node.0.checked_sub(1).map_or(self.input_size, |index| self.nodes[index].size)
    }

    /// The program, whose output is the result of the last operation.
    ///
    /// # Errors
    /// If there is no operation, or the input is empty.
    pub fn build(mut self) -> Result<Program<T>> {
        if self.nodes.is_empty() || self.input_size == 0 {
            bail!("a network has at least one operation, and an input");
        }
        self.fuse_relus();
        let parameter_gradients =
            self.parameters.iter().map(|parameter| vec![T::default(); parameter.elem_count()]).collect();
        let memory = Memory {
            pass: None,
            results: self.nodes.iter().map(|_| Vec::new()).collect(),
            kept: self.nodes.iter().map(|_| Default::default()).collect(),
            parameter_gradients,
            pool: Default::default(),
        };
        let Self { nodes, parameters, buffers, input_size } = self;
        Ok(Program { nodes, parameters, buffers, input_size, memory })
    }

    /// Makes one operation of an operation and the ReLU behind it, wherever nothing else reads what is between them.
    fn fuse_relus(&mut self) {
        let mut relu = 1;
        while relu < self.nodes.len() {
            let source = match self.nodes[relu].inputs[..] {
                [source] if source > 0 && self.nodes[relu].operation.is_relu() => source,
                _ => {
                    relu += 1;
                    continue;
                }
            };
            let readers = self.nodes.iter().flat_map(|node| &node.inputs).filter(|input| **input == source);
            let fused =
                if readers.count() == 1 { self.nodes[source - 1].operation.with_relu() } else { None };
            let Some(fused) = fused else {
                relu += 1;
                continue;
            };
            self.nodes[source - 1].operation = fused;
            self.nodes.remove(relu);
            for input in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
                if *input == relu + 1 {
                    *input = source;
                } else if *input > relu + 1 {
                    *input -= 1;
                }
            }
        }
    }
}

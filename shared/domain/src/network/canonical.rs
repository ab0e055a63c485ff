//! The canonical form of a network: spellings of one computation are brought to one.
//!
//! Families and repetitions are written out, layers that do nothing are left out, and what is the shorthand becomes it.

use super::activation::Activation;
use super::conv_net::ConvNet;
use super::initialization::Initialization;
use super::layer::{Convolution, Dropout, Layer, Padding, Repeat, Residual, Scale, Shortcut};
use super::layer_list::LayerList;
use super::parametrization::Parametrization;
use super::whole::Network;

/// What comes into a layer, as far as the layers before it tell. Whether a flattening changes anything depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// An image, or the network's own input: that is an image, a vector, or tokens, which can't be flattened.
    Image,
    Vector,
    Sequence,
}

impl Network {
    /// The same network in its canonical form. One that can't be built stays as it is.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.make_canonical();
        self
    }

    /// Brings the network to its canonical form.
    pub(crate) fn make_canonical(&mut self) {
        let list = match self {
            Self::ConvNet(net) => return net.make_canonical(),
            Self::Family(family) => family.layer_list(),
            Self::Layers(list) => Ok(list.clone()),
        };
        let Ok(mut list) = list else { return };
        if list.checked().is_err() {
            return;
        }
        list.make_canonical();
        let usual = list.initialization == Initialization::default()
            && list.parametrization == Parametrization::Standard;
        *self = match ConvNet::of_layers(&list.layers).filter(|_| usual) {
            Some(mut net) => {
                net.make_canonical();
                Self::ConvNet(net)
            }
            None => Self::Layers(list),
        };
    }
}

impl ConvNet {
    pub(crate) fn make_canonical(&mut self) {
        if self.conv.is_empty() {
            self.kernel = Self::KERNEL;
        }
    }
}

impl LayerList {
    fn make_canonical(&mut self) {
        let (layers, _) = canonical(std::mem::take(&mut self.layers), Input::Image, self.initialization);
        self.layers = layers;
        let width = self.width();
        if matches!(self.parametrization, Parametrization::Mup { base_width } if Some(base_width) == width) {
            self.parametrization = Parametrization::Standard;
        }
    }
}

/// The layers in canonical form, and what comes out of them.
fn canonical(layers: Vec<Layer>, mut input: Input, initialization: Initialization) -> (Vec<Layer>, Input) {
    let mut written = Vec::with_capacity(layers.len());
    for layer in layers {
        write_out(layer, &mut written);
    }
    let mut kept: Vec<Layer> = Vec::with_capacity(written.len());
    let mut rest = written.into_iter().filter(does_something).peekable();
    while let Some(mut layer) = rest.next() {
        let next_flattens = matches!(rest.peek(), Some(Layer::Dense(_) | Layer::Output(_)));
        if matches!(layer, Layer::Flatten)
            && (input == Input::Vector || input == Input::Image && next_flattens)
        {
            continue;
        }
        input = after(&mut layer, input, initialization);
        if let Some(own) = layer.initialization_mut()
            && *own == Some(initialization)
        {
            *own = None;
        }
        kept.push(layer);
    }
    (kept, input)
}

/// Appends a layer, repetitions written out.
fn write_out(layer: Layer, to: &mut Vec<Layer>) {
    match layer {
        Layer::Repeat(Repeat { times, layers }) => {
            for _ in 0..times {
                layers.iter().cloned().for_each(|layer| write_out(layer, to));
            }
        }
        layer => to.push(layer),
    }
}

fn does_something(layer: &Layer) -> bool {
    match layer {
        Layer::Activation(activation) => *activation != Activation::Identity,
        Layer::Dropout(Dropout { probability }) => *probability != 0.0,
        Layer::Scale(Scale { factor }) => *factor != 1.0,
        Layer::Conv(_)
        | Layer::PatchWhitening(_)
        | Layer::ConvReluPool(_)
        | Layer::Dense(_)
        | Layer::Output(_)
        | Layer::Embedding(_)
        | Layer::SelfAttention(_)
        | Layer::BatchNorm(_)
        | Layer::LayerNorm(_)
        | Layer::GroupNorm(_)
        | Layer::Residual(_)
        | Layer::MaxPool(_)
        | Layer::AveragePool(_)
        | Layer::GlobalAveragePool
        | Layer::Flatten
        | Layer::MeanOverPositions
        | Layer::LastPosition
        | Layer::Repeat(_) => true,
    }
}

/// Brings a layer's own settings to their canonical form; what comes out of the layer.
fn after(layer: &mut Layer, input: Input, initialization: Initialization) -> Input {
    match layer {
        Layer::Conv(convolution) => {
            convolution.make_canonical();
            Input::Image
        }
        Layer::PatchWhitening(_) | Layer::ConvReluPool(_) | Layer::MaxPool(_) | Layer::AveragePool(_) => {
            Input::Image
        }
        Layer::Dense(_) if input == Input::Sequence => Input::Sequence,
        Layer::Dense(_)
        | Layer::Output(_)
        | Layer::GlobalAveragePool
        | Layer::Flatten
        | Layer::MeanOverPositions
        | Layer::LastPosition => Input::Vector,
        Layer::Embedding(_) | Layer::SelfAttention(_) => Input::Sequence,
        Layer::Residual(residual) => residual.make_canonical(input, initialization),
        Layer::BatchNorm(_)
        | Layer::LayerNorm(_)
        | Layer::GroupNorm(_)
        | Layer::Dropout(_)
        | Layer::Activation(_)
        | Layer::Scale(_)
        | Layer::Repeat(_) => input,
    }
}

impl Convolution {
    fn make_canonical(&mut self) {
        if let Some(pixels) = self.pixels_of_padding() {
            self.padding = Padding::Pixels(pixels);
        }
    }
}

impl Residual {
    fn make_canonical(&mut self, input: Input, initialization: Initialization) -> Input {
        let (layers, output) = canonical(self.layers.clone(), input, initialization);
        // A branch of nothing is its input once more; it is written as the layer that does nothing.
        if layers.is_empty() {
            self.layers = vec![Layer::Activation(Activation::Identity)];
        } else {
            self.layers = layers;
        }
        if let Shortcut::Layers(layers) = &mut self.shortcut {
            let (layers, _) = canonical(std::mem::take(layers), input, initialization);
            self.shortcut = if layers.is_empty() { Shortcut::Identity } else { Shortcut::Layers(layers) };
        }
        output
    }
}

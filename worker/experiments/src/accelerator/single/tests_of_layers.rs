//! Every layer and every family of networks on Candle's processor device, against the kernels, in `f64`.

use basin_domain::experiment::ConvNet;
use basin_domain::network::layer::{
    BatchNorm, Convolution, Dense, Dropout, Embedding, GroupNorm, Layer, LayerNorm, Output, Padding,
    PatchWhitening, Pool, Residual, Scale, SelfAttention, Shortcut,
};
use basin_domain::network::{
    Activation, ExampleShape, Family, FamilyNetwork, Initialization, Network, Parametrization, Resnet,
    ResnetShortcut, Transformer, Vgg, VggDepth,
};
use basin_domain::optimizer::Optimizer;
use basin_kernels::Loss;
use basin_kernels::network::Mode;
use candle_core::{Device, Tensor};

use super::super::layers::{Pass, PassMode, activation};
use super::testing::{
    Examples, IMAGE, OUTPUTS, TOKENS, VECTOR, assert_near, gradients_at_home, largest, layers, model,
    on_device, operations, values,
};
use super::{Gradients, Work};
use crate::optimizer::optimizer;

const SGD: Optimizer = Optimizer::sgd(0.1, 0.0, 0.0);

/// Outputs in both modes, sums, gradients and running statistics of a network on a device against those at home.
fn check(name: &str, network: &Network, input: &ExampleShape, batch: usize) {
    let model = model(network, input);
    let mut state = optimizer(&SGD, model.parameters()).unwrap();
    state.restore(3, &state.state().unwrap()).unwrap();
    let there = on_device(&model, SGD, state.as_ref());
    let examples = Examples::of(input, batch, name);
    let on_device = examples.on_device(input);
    let mut program = model.program::<f64>().unwrap();
    for loss in [Loss::CrossEntropy, Loss::SmoothedCrossEntropy { smoothing: 0.2 }, Loss::OneHotSquaredError]
    {
        let expected = program.evaluate(&examples.inputs).unwrap();
        let evaluated = there.evaluated.forward(&on_device.inputs, &Pass::new(PassMode::Evaluation)).unwrap();
        assert_near(&values(&evaluated), &expected, 0.0, &format!("{name}: outputs in evaluation"));
        let sums = there.evaluate(&there.evaluated, loss, &on_device, 1).unwrap().sums;
        let expected = loss.sums(&expected, &examples.labels).unwrap();
        assert_near(&[sums.loss], &[expected.loss], 0.0, &format!("{name}: the loss in evaluation"));
        assert_eq!((sums.correct, sums.count), (expected.correct, expected.count), "{name}");

        let mode = Mode::Training { step: 3, updates_statistics: true };
        let gradients = gradients_at_home(&mut program, &model, loss, &examples, mode);
        let expected = loss.sums(program.outputs().unwrap(), &examples.labels).unwrap();
        let Gradients { found, gradients: others } = there.gradients(loss, &on_device, true).unwrap();
        assert_near(&[found.sums.loss], &[expected.loss], 0.0, &format!("{name}: the loss in training"));
        let scale = gradients.iter().map(|gradient| largest(gradient)).fold(0.0, f64::max);
        assert!(scale > 1e-6, "{name}: a gradient");
        for ((parameter, gradient), other) in model.parameters().keys().zip(&gradients).zip(&others) {
            // What would be zero but for rounding is measured by the others.
            let scale = if largest(gradient) < 1e-9 * scale { scale } else { 0.0 };
            assert_near(&values(other), gradient, scale, &format!("{name}: the gradient of {parameter}"));
        }
        for (buffer, expected) in model.buffers() {
            let found = values(&there.buffers[buffer].as_detached_tensor());
            assert_near(&found, &values(expected), 0.0, &format!("{name}: {buffer}"));
        }
    }
}

fn convolution(outputs: u32) -> Layer {
    Layer::Conv(Convolution::new(outputs, 3))
}

fn on_images(name: &str, of: Vec<Layer>) {
    let mut all = vec![convolution(4)];
    all.extend(of);
    all.push(Layer::Output(Output::default()));
    check(name, &layers(all), &IMAGE, 5);
}

#[test]
fn convolutions_of_any_stride_padding_and_groups() {
    for (stride, padding, groups, kernel, bias) in [
        (1, Padding::Same, 1, 3, true),
        (2, Padding::Same, 1, 3, false),
        (2, Padding::Pixels(0), 1, 3, true),
        (3, Padding::Pixels(1), 2, 3, true),
        (2, Padding::Pixels(2), 4, 5, false),
        (1, Padding::Same, 4, 1, true),
        (2, Padding::Pixels(0), 1, 1, true),
    ] {
        let layer = Layer::Conv(Convolution { stride, padding, groups, bias, ..Convolution::new(8, kernel) });
        let name = format!("stride {stride}, {padding:?}, {groups} groups, a kernel of {kernel}");
        on_images(&name, vec![layer.clone()]);
        // The input's gradient isn't that of an image's.
        on_images(&name, vec![Layer::Activation(Activation::Tanh), layer]);
    }
}

#[test]
fn the_fused_block_and_filters_that_stay() {
    let net = ConvNet { conv: vec![3, 2], kernel: 3, dense: vec![4] };
    check("blocks", &net.into(), &IMAGE, 5);
    let whitening = PatchWhitening { outputs: 6, kernel: 3, epsilon: 1e-3 };
    check(
        "whitening",
        &layers(vec![Layer::PatchWhitening(whitening), convolution(3), Layer::Output(Output::default())]),
        &IMAGE,
        5,
    );
}

#[test]
fn normalisations_of_images_vectors_and_sequences() {
    let group = |groups| Layer::GroupNorm(GroupNorm { groups, epsilon: 1e-5, initialization: None });
    for (name, norm) in [
        ("batch norm", Layer::BatchNorm(BatchNorm { momentum: 0.3, ..BatchNorm::default() })),
        ("batch norm without a scale", Layer::BatchNorm(BatchNorm { scale: false, ..BatchNorm::default() })),
        ("layer norm", Layer::LayerNorm(LayerNorm::default())),
        ("group norm", group(2)),
    ] {
        on_images(name, vec![norm.clone()]);
        // Groups of channels are those of images alone.
        if matches!(norm, Layer::GroupNorm(_)) {
            continue;
        }
        let dense = Layer::Dense(Dense::new(8));
        let output = Layer::Output(Output::default());
        check(name, &layers(vec![dense, norm.clone(), output.clone()]), &VECTOR, 5);
        let embedding = Layer::Embedding(Embedding { width: 6, positions: true, initialization: None });
        check(name, &layers(vec![embedding, norm, Layer::LastPosition, output]), &TOKENS, 5);
    }
}

#[test]
fn batch_normalisation_of_one_value_a_channel_has_no_division_by_zero() {
    let norm = Layer::BatchNorm(BatchNorm::default());
    let network = layers(vec![Layer::Dense(Dense::new(4)), norm, Layer::Output(Output::default())]);
    check("one value", &network, &VECTOR, 1);
}

#[test]
fn pools_of_any_side_stride_and_padding() {
    for (side, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 0), (2, 3, 1), (4, 4, 2)] {
        let pool = Pool { side, stride, padding };
        on_images(&format!("the greatest of {pool:?}"), vec![Layer::MaxPool(pool)]);
        on_images(&format!("the mean of {pool:?}"), vec![Layer::AveragePool(pool)]);
    }
    on_images("channels' means", vec![Layer::GlobalAveragePool]);
}

#[test]
fn the_first_of_equal_maxima_has_the_gradient() {
    // ReLU makes many zeros that are equal.
    on_images(
        "ties",
        vec![Layer::Activation(Activation::Relu), Layer::MaxPool(Pool { side: 3, stride: 1, padding: 1 })],
    );
}

#[test]
fn every_activation() {
    for of in Activation::ALL.into_iter().chain([
        Activation::LeakyRelu { slope: 0.3 },
        Activation::Elu { alpha: 0.7 },
        Activation::Sine { frequency: 3.0 },
    ]) {
        on_images(of.as_str(), vec![Layer::Activation(of), convolution(3)]);
    }
}

#[test]
fn at_zero_and_at_its_ends_a_functions_derivative_is_that_of_the_kernels() {
    for of in Activation::ALL {
        let layer = activation::activation(of);
        let x: Vec<f64> = vec![0.0, 1.0, -1.0, -0.0, 30.0, -30.0];
        let variable = candle_core::Var::new(&x[..], &Device::Cpu).unwrap();
        let pass = Pass::new(PassMode::Evaluation);
        let y = layer.forward(&[variable.as_tensor().clone()], &pass).unwrap();
        let found = y.backward().unwrap();
        let found = values(found.get(&variable).unwrap());
        // A dense layer of ones in front and behind: the gradient of its weight is the derivative.
        let network = layers(vec![
            Layer::Dense(Dense { bias: false, ..Dense::new(1) }),
            Layer::Activation(of),
            Layer::Output(Output::default()),
        ]);
        let model = model(&network, &ExampleShape::Vector { length: 1 });
        let mut flat = vec![0.0; model.parameter_count()];
        for (name, at) in model.parameters().keys().zip(offsets(&model)) {
            if name.ends_with("weight") {
                flat[at] = 1.0;
            }
        }
        model.set_parameters(&flat).unwrap();
        let mut program = model.program::<f64>().unwrap();
        for (x, found) in x.iter().zip(found) {
            let input = Tensor::new(&[[*x]], &Device::Cpu).unwrap();
            program.forward(&input, Mode::Evaluation).unwrap();
            let mut gradient = vec![0.0; OUTPUTS as usize];
            gradient[0] = 1.0;
            let wanted = basin_kernels::network::Wanted { input: true, parameters: true };
            let expected = program.backward(&gradient, wanted).unwrap().unwrap()[0];
            assert!((found - expected).abs() < 1e-12, "{of:?} at {x}: {found} is not {expected}");
        }
    }
}

/// Where each parameter begins in a flat vector.
fn offsets(model: &crate::model::Model) -> Vec<usize> {
    let mut offset = 0;
    let lengths = model.parameters().values().map(|parameter| parameter.elem_count());
    let begins = |length: usize| {
        offset += length;
        offset - length
    };
    lengths.map(begins).collect()
}

#[test]
fn dropout_draws_what_the_processor_draws() {
    on_images(
        "dropout",
        vec![Layer::Dropout(Dropout { probability: 0.4 }), Layer::Dropout(Dropout { probability: 0.1 })],
    );
}

#[test]
fn residual_layers_with_each_kind_of_shortcut() {
    let branch = |outputs, stride| {
        let first = Convolution { stride, ..Convolution::new(outputs, 3) };
        vec![Layer::Conv(first), Layer::Activation(Activation::Relu), convolution(outputs)]
    };
    on_images("identity", vec![Layer::Residual(Residual::around(branch(4, 1)))]);
    on_images("zeros", vec![Layer::Residual(Residual { layers: branch(9, 2), shortcut: Shortcut::Pad })]);
    let projection = Layer::Conv(Convolution { stride: 2, bias: false, ..Convolution::new(9, 1) });
    let shortcut = Shortcut::Layers(vec![projection, Layer::BatchNorm(BatchNorm::default())]);
    on_images("projection", vec![Layer::Residual(Residual { layers: branch(9, 2), shortcut })]);
    on_images("scale", vec![Layer::Scale(Scale { factor: 0.25 }), Layer::Flatten]);
}

#[test]
fn embeddings_and_attention() {
    for (positions, causal, bias) in [(true, true, true), (false, false, false)] {
        let embedding = Layer::Embedding(Embedding { width: 6, positions, initialization: None });
        let attention = SelfAttention { heads: 2, causal, bias, initialization: None };
        for end in [Layer::MeanOverPositions, Layer::LastPosition, Layer::Flatten] {
            let network = layers(vec![
                embedding.clone(),
                Layer::SelfAttention(attention),
                Layer::Residual(Residual::around(vec![Layer::Dense(Dense::new(6))])),
                end,
                Layer::Output(Output::default()),
            ]);
            check(&format!("causal: {causal}"), &network, &TOKENS, 4);
        }
    }
}

#[test]
fn every_family() {
    let image = ExampleShape::Image { channels: 3, height: 32, width: 32 };
    let small = |family| {
        let (initialization, parametrization) = (Initialization::default(), Parametrization::Standard);
        Network::Family(FamilyNetwork { family, initialization, parametrization })
    };
    let tanh = Activation::Tanh;
    let transformer =
        |causal| Family::Transformer(Transformer { depth: 2, width: 12, heads: 3, mlp_ratio: 2, causal });
    let resnet = |shortcut, skip| Family::Resnet(Resnet { depth: 8, width: 2, skip, shortcut });
    let vgg = |depth, batch_norm| Family::Vgg(Vgg { depth, width: 2, batch_norm });
    for (family, input) in [
        (Family::Mlp { widths: vec![7, 5], activation: tanh }, VECTOR),
        (Family::Lenet5 { activation: tanh, padding: 0 }, image),
        (Family::Lenet300, IMAGE),
        (vgg(VggDepth::Eleven, true), image),
        (vgg(VggDepth::Sixteen, false), image),
        (resnet(ResnetShortcut::Pad, true), image),
        (resnet(ResnetShortcut::Projection, true), image),
        (resnet(ResnetShortcut::Pad, false), image),
        (Family::Resnet18 { width: 2 }, image),
        (Family::Resnet9 { width: 2 }, image),
        (Family::Cnn5 { width: 2 }, image),
        (transformer(true), TOKENS),
        (transformer(false), TOKENS),
    ] {
        check(family.as_str(), &small(family), &input, 3);
    }
}

#[test]
fn one_network_of_all_layers_of_images_at_once() {
    let mut all = vec![
        Layer::PatchWhitening(PatchWhitening { outputs: 6, kernel: 2, epsilon: 1e-3 }),
        Layer::BatchNorm(BatchNorm::default()),
        Layer::Residual(Residual {
            layers: vec![Layer::Conv(Convolution { stride: 2, groups: 2, ..Convolution::new(8, 3) })],
            shortcut: Shortcut::Pad,
        }),
        Layer::GroupNorm(GroupNorm { groups: 4, epsilon: 1e-5, initialization: None }),
        Layer::MaxPool(Pool { side: 2, stride: 1, padding: 1 }),
        Layer::AveragePool(Pool { side: 2, stride: 1, padding: 0 }),
        Layer::LayerNorm(LayerNorm::default()),
        Layer::Dropout(Dropout { probability: 0.25 }),
        Layer::GlobalAveragePool,
    ];
    for (place, activation) in Activation::ALL.into_iter().enumerate() {
        all.push(Layer::Dense(Dense::new(5 + place as u32)));
        all.push(Layer::Activation(activation));
    }
    all.extend([Layer::Output(Output::default()), Layer::Scale(Scale { factor: 0.5 })]);
    let network = layers(all);
    check("all layers", &network, &IMAGE, 6);
    let found = operations(&model(&network, &IMAGE));
    for operation in ["convolution", "patch whitening", "add", "pad channels", "dropout", "max pool", "gelu"]
    {
        assert!(found.contains(&operation), "{operation} is not in {found:?}");
    }
}

#[test]
fn an_evaluation_in_pieces_gives_the_sums_of_one() {
    let network = layers(vec![
        convolution(3),
        Layer::BatchNorm(BatchNorm::default()),
        Layer::Output(Output::default()),
    ]);
    let model = model(&network, &IMAGE);
    let state = optimizer(&SGD, model.parameters()).unwrap();
    let mut there = on_device(&model, SGD, state.as_ref());
    let batch = Examples::of(&IMAGE, 11, "pieces").on_device(&IMAGE);
    let mut sums = |bytes: usize| there.pass(Work::Evaluate, Loss::CrossEntropy, &batch, bytes).unwrap().sums;
    let (whole, pieces) = (sums(usize::MAX), sums(1));
    assert_near(&[pieces.loss], &[whole.loss], 0.0, "the loss");
    assert_eq!((pieces.correct, pieces.count), (whole.correct, 11));
}

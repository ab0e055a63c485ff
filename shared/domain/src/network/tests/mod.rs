//! Networks against published counts, and against themselves in other spellings.

use super::layer::*;
use super::*;

const CIFAR: ExampleShape = ExampleShape::Image { channels: 3, height: 32, width: 32 };
const MNIST: ExampleShape = ExampleShape::Image { channels: 1, height: 28, width: 28 };

fn family(family: Family) -> Network {
    let (initialization, parametrization) = (Initialization::default(), Parametrization::Standard);
    Network::Family(FamilyNetwork { family, initialization, parametrization })
}

fn listed(layers: &[Layer]) -> Network {
    Network::Layers(LayerList::new(layers.to_vec()))
}

fn count(network: &Network, input: ExampleShape) -> u64 {
    network.graph(&input, 10).unwrap().parameter_count()
}

fn canonical(network: Network) -> Network {
    network.canonical()
}

fn dense(outputs: u32) -> Layer {
    Layer::Dense(Dense::new(outputs))
}

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

fn output() -> Layer {
    Layer::Output(Output::default())
}

fn conv(outputs: u32) -> Layer {
    Layer::Conv(Convolution::new(outputs, 3))
}

fn batch_norm() -> Layer {
    Layer::BatchNorm(BatchNorm::default())
}

fn resnet(depth: u32, shortcut: ResnetShortcut) -> Network {
    family(Family::Resnet(Resnet { depth, width: 16, skip: true, shortcut }))
}

/// He et al. 2016, table 6, rounds them to 0.27M to 1.7M; the exact numbers are those of `akamaster/pytorch_resnet_cifar10` (A) and
/// of its option B with batch norm.
#[test]
fn residual_networks_have_their_published_parameter_counts() {
    assert_eq!(count(&resnet(20, ResnetShortcut::Pad), CIFAR), 269_722);
    assert_eq!(count(&resnet(20, ResnetShortcut::Projection), CIFAR), 272_474);
    assert_eq!(count(&resnet(32, ResnetShortcut::Pad), CIFAR), 464_154);
    assert_eq!(count(&resnet(44, ResnetShortcut::Pad), CIFAR), 658_586);
    assert_eq!(count(&resnet(56, ResnetShortcut::Pad), CIFAR), 853_018);
    assert_eq!(count(&resnet(110, ResnetShortcut::Pad), CIFAR), 1_727_962);
    let plain = Resnet { depth: 20, width: 16, skip: false, shortcut: ResnetShortcut::Pad };
    assert_eq!(count(&family(Family::Resnet(plain)), CIFAR), 269_722);
}

/// `kuangliu/pytorch-cifar`: ResNet18 has 11,173,962, VGG11 and VGG16 (with batch norm) 9,231,114 and 14,728,266.
#[test]
fn the_forms_for_small_images_have_their_published_parameter_counts() {
    assert_eq!(count(&family(Family::Resnet18 { width: 64 }), CIFAR), 11_173_962);
    let vgg = |depth, batch_norm| family(Family::Vgg(Vgg { depth, width: 64, batch_norm }));
    assert_eq!(count(&vgg(VggDepth::Eleven, true), CIFAR), 9_231_114);
    assert_eq!(count(&vgg(VggDepth::Sixteen, true), CIFAR), 14_728_266);
    // Without the scales and shifts of 2,752 and 4,224 channels.
    assert_eq!(count(&vgg(VggDepth::Eleven, false), CIFAR), 9_231_114 - 2 * 2_752);
    assert_eq!(count(&vgg(VggDepth::Sixteen, false), CIFAR), 14_728_266 - 2 * 4_224);
}

/// Nakkiran et al. 2020, appendix B.1; Page 2018.
#[test]
fn the_small_convolutional_networks_have_their_published_parameter_counts() {
    assert_eq!(count(&family(Family::Cnn5 { width: 64 }), CIFAR), 1_558_026);
    assert_eq!(count(&family(Family::Resnet9 { width: 64 }), CIFAR), 6_573_120);
}

/// Frankle and Carbin 2019, figure 2, rounds LeNet-300-100 to 266K; LeNet-5 as in Zhang et al., "Dive into Deep Learning".
#[test]
fn the_networks_for_digits_have_their_published_parameter_counts() {
    assert_eq!(count(&family(Family::Lenet300), MNIST), 266_610);
    let lenet_5 = Family::Lenet5 { activation: Activation::Tanh, padding: 2 };
    assert_eq!(count(&family(lenet_5), MNIST), 61_706);
    let mlp = Family::Mlp { widths: vec![512, 512], activation: Activation::Gelu };
    assert_eq!(count(&family(mlp), MNIST), 785 * 512 + 513 * 512 + 513 * 10);
}

#[test]
fn a_transformer_has_the_parameters_of_its_parts() {
    let transformer = Transformer { depth: 2, width: 128, heads: 4, mlp_ratio: 4, causal: true };
    let network = family(Family::Transformer(transformer));
    let graph = network.graph(&ExampleShape::Tokens { positions: 3, vocabulary: 114 }, 113).unwrap();
    // Four projections, two dense layers, two layer norms, as GPT-2 has them: 12·width² + 13·width.
    let block = 12 * 128 * 128 + 13 * 128;
    assert_eq!(graph.parameter_count(), 114 * 128 + 3 * 128 + 2 * block + 2 * 128 + 129 * 113);
    let names: Vec<&str> = graph.parameters().map(|parameter| &*parameter.name).collect();
    assert_eq!(
        &names[..5],
        [
            "embedding0.weight",
            "embedding0.position",
            "layer_norm0.weight",
            "layer_norm0.bias",
            "self_attention0.query.weight"
        ]
    );
    assert_eq!(graph.output(), ExampleShape::Vector { length: 113 });
}

#[test]
fn the_shorthand_has_the_names_shapes_and_draws_of_before() {
    let net = ConvNet { conv: vec![8, 16], kernel: 3, dense: vec![32] };
    let graph = net.graph(&CIFAR, 10).unwrap();
    let names: Vec<(&str, &[u32])> =
        graph.parameters().map(|parameter| (&*parameter.name, &*parameter.shape)).collect();
    let expected: [(&str, &[u32]); 8] = [
        ("conv0.weight", &[8, 3, 3, 3]),
        ("conv0.bias", &[8]),
        ("conv1.weight", &[16, 8, 3, 3]),
        ("conv1.bias", &[16]),
        ("dense0.weight", &[32, 1024]),
        ("dense0.bias", &[32]),
        ("output.weight", &[10, 32]),
        ("output.bias", &[10]),
    ];
    assert_eq!(names, expected);
    assert_eq!(graph.layer_names(), ["conv0", "conv1", "dense0", "output"]);
    for parameter in graph.parameters() {
        let bound = 1.0 / (parameter.fan_in as f64).sqrt();
        assert_eq!(parameter.initialization, InitialDistribution::Uniform { bound });
        let mut stream = crate::random::Stream::new(7, &format!("initial/{}", parameter.name));
        let first = (2.0 * stream.uniform() - 1.0) * bound;
        assert_eq!(parameter.initial_values(7)[0].to_bits(), first.to_bits());
    }
    assert_eq!(graph.products(), 32 * 32 * 8 * 27 + 16 * 16 * 16 * 72 + 1024 * 32 + 320);
    assert_eq!(graph.flops(), 2 * graph.products());
}

#[test]
fn shapes_and_products_follow_stride_padding_and_groups() {
    let strided = Convolution { stride: 2, groups: 2, bias: false, ..Convolution::new(8, 5) };
    let valid = Convolution { padding: Padding::Pixels(0), ..Convolution::new(4, 2) };
    let layers = [
        conv(6),
        Layer::Conv(strided),
        Layer::MaxPool(Pool { side: 3, stride: 2, padding: 1 }),
        Layer::Conv(valid),
        Layer::AveragePool(Pool::of(3)),
        output(),
    ];
    let graph =
        listed(&layers).graph(&ExampleShape::Image { channels: 3, height: 31, width: 30 }, 2).unwrap();
    let shapes: Vec<Vec<u32>> = graph.nodes().iter().map(|node| node.shape.dimensions()).collect();
    let expected: [&[u32]; 8] =
        [&[3, 31, 30], &[6, 31, 30], &[8, 16, 15], &[8, 8, 8], &[4, 7, 7], &[4, 2, 2], &[16], &[2]];
    assert_eq!(shapes, expected);
    assert_eq!(graph.nodes()[2].products, 16 * 15 * 8 * 3 * 25);
    assert_eq!(graph.nodes()[2].parameters.len(), 1);
    assert_eq!(graph.nodes()[2].parameters[0].shape, [8, 3, 5, 5]);
    let elements: u64 = [2790, 5580, 1920, 512, 196, 16, 16, 2].into_iter().sum();
    assert_eq!(graph.activation_bytes(), 4 * elements);
}

#[test]
fn spellings_of_one_network_have_one_canonical_form() {
    let block = |outputs| Layer::ConvReluPool(ConvReluPool { outputs, kernel: 5, initialization: None });
    let net = ConvNet { conv: vec![4, 8], kernel: 5, dense: vec![32, 32] };
    let repeated = Layer::Repeat(Repeat { times: 2, layers: vec![dense(32), relu()] });
    let dropout = Layer::Dropout(Dropout { probability: 0.0 });
    let identity = Layer::Activation(Activation::Identity);
    for layers in [
        net.layers(),
        vec![block(4), block(8), Layer::Flatten, repeated.clone(), output()],
        vec![block(4), identity.clone(), block(8), dropout, repeated, output()],
    ] {
        assert_eq!(canonical(listed(&layers)), Network::ConvNet(net.clone()));
    }
    let mlp = family(Family::Mlp { widths: vec![300, 100], activation: Activation::Relu });
    assert_eq!(canonical(mlp), canonical(Network::of_dense(&[300, 100])));
    assert_eq!(canonical(family(Family::Lenet300)), Network::of_dense(&[300, 100]));

    let same = [conv(4), batch_norm(), relu(), Layer::GlobalAveragePool, output()];
    let pixels = Convolution { padding: Padding::Pixels(1), ..Convolution::new(4, 3) };
    let own = Convolution { initialization: Some(Initialization::default()), ..pixels };
    let explicit = [
        Layer::Conv(own),
        batch_norm(),
        relu(),
        identity,
        Layer::GlobalAveragePool,
        Layer::Flatten,
        output(),
    ];
    assert_eq!(canonical(listed(&same)), canonical(listed(&explicit)));
    let mut by_width = LayerList::new(same.to_vec());
    by_width.parametrization = Parametrization::Mup { base_width: 4 };
    assert_eq!(canonical(Network::Layers(by_width.clone())), canonical(listed(&same)));
    by_width.parametrization = Parametrization::Mup { base_width: 2 };
    assert_ne!(canonical(Network::Layers(by_width)), canonical(listed(&same)));
}

#[test]
fn the_canonical_form_is_the_same_computation_and_its_own_canonical_form() {
    for (network, input) in [
        (resnet(20, ResnetShortcut::Pad), CIFAR),
        (resnet(14, ResnetShortcut::Projection), CIFAR),
        (family(Family::Resnet9 { width: 8 }), CIFAR),
        (family(Family::Vgg(Vgg { depth: VggDepth::Eleven, width: 4, batch_norm: false })), CIFAR),
        (family(Family::Lenet5 { activation: Activation::Relu, padding: 0 }), CIFAR),
        (family(Family::Mlp { widths: vec![5], activation: Activation::Sine { frequency: 30.0 } }), MNIST),
    ] {
        let parameters = |network: &Network| -> Vec<ParameterSpec> {
            network.graph(&input, 10).unwrap().parameters().cloned().collect()
        };
        let form = canonical(network.clone());
        assert_eq!(parameters(&form), parameters(&network));
        assert_eq!(canonical(form.clone()), form);
        let json = serde_json::to_string(&form).unwrap();
        assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), form, "{json}");
        let json = serde_json::to_string(&network).unwrap();
        assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network, "{json}");
    }
}

#[test]
fn the_shorthand_keeps_its_json() {
    let net = Network::ConvNet(ConvNet { conv: vec![8], kernel: 3, dense: vec![4, 2] });
    assert_eq!(serde_json::to_string(&net).unwrap(), r#"{"conv":[8],"kernel":3,"dense":[4,2]}"#);
}

#[test]
fn a_residual_layer_is_the_sum_of_two_earlier_nodes() {
    let branch = vec![conv(4), batch_norm()];
    let projection = Convolution { stride: 1, ..Convolution::new(4, 1) };
    let layers = [
        conv(2),
        Layer::Residual(Residual { layers: branch.clone(), shortcut: Shortcut::Pad }),
        Layer::Residual(Residual::around(branch.clone())),
        Layer::Residual(Residual {
            layers: branch,
            shortcut: Shortcut::Layers(vec![Layer::Conv(projection)]),
        }),
        output(),
    ];
    let graph = listed(&layers).graph(&CIFAR, 10).unwrap();
    let names: Vec<(&str, &[usize])> =
        graph.nodes().iter().map(|node| (&*node.name, &*node.inputs)).collect();
    let expected: [(&str, &[usize]); 15] = [
        ("input", &[]),
        ("conv0", &[0]),
        ("conv1", &[1]),
        ("batch_norm0", &[2]),
        ("pad0", &[1]),
        ("add0", &[3, 4]),
        ("conv2", &[5]),
        ("batch_norm1", &[6]),
        ("add1", &[7, 5]),
        ("conv3", &[8]),
        ("batch_norm2", &[9]),
        ("conv4", &[8]),
        ("add2", &[10, 11]),
        ("flatten0", &[12]),
        ("output", &[13]),
    ];
    assert_eq!(names, expected);
    assert_eq!(graph.nodes()[4].operation, Operation::PadChannels { stride: 1, before: 1, after: 1 });
    let buffers: Vec<&str> = graph.buffers().map(|buffer| &*buffer.name).collect();
    assert_eq!(&buffers[..2], ["batch_norm0.running_mean", "batch_norm0.running_variance"]);
}

#[test]
fn every_node_takes_earlier_ones_and_every_name_is_there_once() {
    let transformer = Transformer { depth: 3, width: 12, heads: 3, mlp_ratio: 2, causal: false };
    let tokens = ExampleShape::Tokens { positions: 5, vocabulary: 7 };
    for (network, input) in [
        (resnet(20, ResnetShortcut::Projection), CIFAR),
        (family(Family::Resnet18 { width: 4 }), CIFAR),
        (family(Family::Transformer(transformer)), tokens),
    ] {
        let graph = network.graph(&input, 10).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            assert!(node.inputs.iter().all(|input| *input < index), "{}", node.name);
            assert!(names.insert(node.name.clone()), "{}", node.name);
        }
        assert_eq!(graph.layer_names(), network.layer_names());
        let used: std::collections::BTreeSet<usize> =
            graph.nodes().iter().flat_map(|node| node.inputs.clone()).collect();
        assert_eq!(used, (0..graph.nodes().len() - 1).collect());
        let mut parameters = std::collections::BTreeSet::new();
        assert!(graph.parameters().all(|parameter| parameters.insert(parameter.name.clone())));
    }
}

#[test]
fn widths_scale_draws_and_steps_as_the_table_of_mup_says() {
    let network = |width: u32, parametrization, initialization| {
        let layers = vec![dense(width), relu(), dense(width), relu(), output()];
        Network::Layers(LayerList { layers, initialization, parametrization })
    };
    let mup = Parametrization::Mup { base_width: 8 };
    for initialization in [
        Initialization::default(),
        Initialization::Kaiming { gain: 1.5 },
        Initialization::Xavier { gain: 1.0 },
        Initialization::Normal { deviation: 0.1 },
        Initialization::Dirac,
    ] {
        let graph = |width, parametrization| {
            network(width, parametrization, initialization).graph(&MNIST, 10).unwrap()
        };
        let (base, wide) = (graph(8, Parametrization::Standard), graph(32, mup));
        assert_eq!(graph(8, mup).parameters().collect::<Vec<_>>(), base.parameters().collect::<Vec<_>>());
        let width = |distribution| match distribution {
            InitialDistribution::Uniform { bound } => bound,
            InitialDistribution::Normal { deviation } => deviation,
            InitialDistribution::Constant { value } => value,
            InitialDistribution::Orthogonal { gain } => gain,
            InitialDistribution::Dirac { bound, .. } => bound,
        };
        let ratios = base.parameters().zip(wide.parameters()).map(|(base, wide)| {
            let ratio = match (width(base.initialization), width(wide.initialization)) {
                (0.0, 0.0) => 1.0,
                (base, wide) => wide / base,
            };
            let LearningRateFactor { sgd, adam } = wide.learning_rate_factor;
            ((ratio * 1e9).round() / 1e9, sgd, adam)
        });
        // In the order input, hidden, output, each a weight and a bias.
        let expected = [
            (1.0, 4.0, 1.0),
            (1.0, 4.0, 1.0),
            (0.5, 1.0, 0.25),
            (1.0, 4.0, 1.0),
            (1.0, 4.0, 1.0),
            (1.0, 1.0, 1.0),
        ];
        assert_eq!(ratios.collect::<Vec<_>>(), expected, "{initialization:?}");
        let scale = wide.nodes().iter().find_map(|node| match node.operation {
            Operation::Scale { factor } => Some(factor),
            _ => None,
        });
        assert_eq!(scale, Some(0.25));
    }
}

#[test]
fn weights_decay_and_biases_and_normalisations_need_not() {
    let graph = listed(&[conv(2), batch_norm(), relu(), output()]).graph(&CIFAR, 10).unwrap();
    let decaying: Vec<&str> =
        graph.parameters().filter(|parameter| parameter.decays).map(|parameter| &*parameter.name).collect();
    assert_eq!(decaying, ["conv0.weight", "output.weight"]);
}

#[test]
fn a_batch_norm_without_a_scale_has_its_shift_alone_and_its_statistics() {
    let norm = Layer::BatchNorm(BatchNorm { scale: false, ..BatchNorm::default() });
    let network = listed(&[conv(2), norm, relu(), output()]);
    let graph = network.graph(&CIFAR, 10).unwrap();
    let names: Vec<&str> = graph.parameters().map(|parameter| &*parameter.name).collect();
    let expected = ["conv0.weight", "conv0.bias", "batch_norm0.bias", "output.weight", "output.bias"];
    assert_eq!(names, expected);
    let buffers: Vec<&str> = graph.buffers().map(|buffer| &*buffer.name).collect();
    assert_eq!(buffers, ["batch_norm0.running_mean", "batch_norm0.running_variance"]);
    let whole = listed(&[conv(2), batch_norm(), relu(), output()]).graph(&CIFAR, 10).unwrap();
    let shift = |graph: &Graph| graph.parameters().find(|it| it.name == "batch_norm0.bias").cloned();
    assert_eq!(shift(&graph), shift(&whole), "it is drawn and stepped as beside a scale");
    assert_eq!(graph.layer_names(), network.layer_names());
    let json = serde_json::to_string(&network).unwrap();
    assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network, "{json}");
}

#[test]
fn a_layer_s_own_initialisation_comes_before_the_network_s() {
    let zero = BatchNorm { initialization: Some(Initialization::Zero), ..BatchNorm::default() };
    let last =
        Output { initialization: Some(Initialization::Normal { deviation: 0.5 }), ..Output::default() };
    let mut list = LayerList::new(vec![conv(2), Layer::BatchNorm(zero), relu(), Layer::Output(last)]);
    list.initialization = Initialization::Kaiming { gain: 1.0 };
    let graph = list.graph(&MNIST, 10).unwrap();
    let drawn: Vec<InitialDistribution> =
        graph.parameters().map(|parameter| parameter.initialization).collect();
    let zero = InitialDistribution::Constant { value: 0.0 };
    let kaiming = InitialDistribution::Normal { deviation: (2.0_f64 / 9.0).sqrt() };
    let expected = [kaiming, zero, zero, zero, InitialDistribution::Normal { deviation: 0.5 }, zero];
    assert_eq!(drawn, expected);
}

#[test]
fn inputs_are_passed_within_groups_and_biases_begin_at_zero() {
    let grouped = Layer::Conv(Convolution { groups: 3, ..Convolution::new(6, 3) });
    let mut list = LayerList::new(vec![conv(3), grouped, Layer::GlobalAveragePool, output()]);
    list.initialization = Initialization::Dirac;
    let graph = list.graph(&CIFAR, 10).unwrap();
    let drawn: Vec<InitialDistribution> =
        graph.parameters().map(|parameter| parameter.initialization).collect();
    let zero = InitialDistribution::Constant { value: 0.0 };
    let passing = |inputs: f64, outputs| InitialDistribution::Dirac { bound: 1.0 / inputs.sqrt(), outputs };
    assert_eq!(drawn, [passing(27.0, 3), zero, passing(9.0, 2), zero, passing(6.0, 10), zero]);
}

#[test]
fn what_makes_no_network_is_refused_with_the_layer() {
    let refused = |layers: &[Layer], input: ExampleShape| {
        let error = listed(layers).graph(&input, 10).unwrap_err();
        assert!(!error.reason.way_out().is_empty());
        error.to_string()
    };
    let tokens = ExampleShape::Tokens { positions: 4, vocabulary: 5 };
    let pool = || Layer::MaxPool(Pool::of(2));
    let around = |layers| Layer::Residual(Residual::around(layers));
    let heads = SelfAttention { heads: 3, causal: true, bias: true, initialization: None };
    let embedding = Layer::Embedding(Embedding { width: 4, positions: true, initialization: None });
    let many = |times, layers| Layer::Repeat(Repeat { times, layers });
    let cases: Vec<(Vec<Layer>, ExampleShape, &str)> = vec![
        (vec![], CIFAR, "`layers` has no layers"),
        (vec![conv(2)], CIFAR, "`layers[0]` is the last of the layers, and isn't `output`"),
        (
            vec![output(), relu()],
            CIFAR,
            "`layers[1]` is `relu` after `output`, after which there can only be `scale`",
        ),
        (
            vec![output(), output()],
            CIFAR,
            "`layers[1]` is `output` after `output`, after which there can only be `scale`",
        ),
        (
            vec![conv(2), around(vec![conv(4)]), output()],
            CIFAR,
            "`layers[1]` adds an image of 32×32 with 4 channels of its branch to an image of 32×32 with 2 channels of its shortcut",
        ),
        (
            vec![conv(2), around(vec![output()]), output()],
            CIFAR,
            "`layers[1].residual[0]` is `output` within another layer; it belongs at the end of the network",
        ),
        (
            vec![many(6, vec![conv(2), pool()]), output()],
            CIFAR,
            "`layers[0].layers[1]` has a window of 2×2 pixels, and its input has 1×1 of them, padding included",
        ),
        (
            vec![dense(3), conv(2), output()],
            CIFAR,
            "`layers[1]` is `conv`, which takes an image, and its input is a vector of 3",
        ),
        (
            vec![dense(3), output()],
            tokens,
            "`layers[0]` is `dense`, which takes an image, a vector or a sequence of vectors, and its input is a sequence of 4 tokens",
        ),
        (
            vec![embedding.clone(), output()],
            tokens,
            "`layers[1]` is `output`, which takes an image or a vector, and its input is a sequence of 4 vectors of 4",
        ),
        (
            vec![embedding, Layer::SelfAttention(heads), Layer::LastPosition, output()],
            tokens,
            "`layers[1]` has 3 heads, which don't divide the width 4 of its input",
        ),
        (
            vec![Layer::Conv(Convolution::new(4, 4)), output()],
            CIFAR,
            "`layers[0]` has a kernel of 4×4, and `same` padding is that of an odd side",
        ),
        (
            vec![Layer::Conv(Convolution { groups: 2, ..Convolution::new(4, 3) }), output()],
            CIFAR,
            "`layers[0]` has 2 groups, which don't divide its 3 channels",
        ),
        (
            vec![dense(65_536), dense(65_536), output()],
            CIFAR,
            "`layers[1]` brings the network to more than 268435456 parameters",
        ),
        (
            vec![many(u32::MAX, vec![many(u32::MAX, vec![Layer::Flatten])]), output()],
            CIFAR,
            "`layers[0]` brings the network to more than 10000 layers",
        ),
        (
            vec![
                Layer::Conv(Convolution { padding: Padding::Pixels(u32::MAX), ..Convolution::new(1, 1) }),
                output(),
            ],
            CIFAR,
            "`layers[0]` gives more than 268435456 numbers for one example",
        ),
    ];
    for (layers, input, expected) in cases {
        assert_eq!(refused(&layers, input), expected);
    }
    let nested = (0..20).fold(conv(3), |inner, _| around(vec![inner]));
    assert!(refused(&[nested, output()], CIFAR).ends_with("nests more than 8 layers in each other"));
    let wrong = resnet(21, ResnetShortcut::Pad).graph(&CIFAR, 10).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "`layers` is of the family resnet, whose depth must be 6n + 2: 8, 14, 20, 32, 44, 56, 110, …, 2000"
    );
}

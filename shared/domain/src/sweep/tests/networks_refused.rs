//! Networks that a sweep file can't have.

use super::networks::{images, plan_error};
use super::{Datasets, SweepFile, each_has_the_error, source};

#[test]
fn what_makes_no_network_is_refused_with_line_and_way_out() {
    const LISTS: &str = "hint: [{ conv = 32, kernel = 3 }, \"batch-norm\", \"relu\", { max-pool = 2 }]";
    each_has_the_error(
        images,
        &[
            // Lists.
            (
                "model.layers = 3",
                &format!("x.toml:7: `model.layers` must be a list of layers, not 3\n{LISTS}"),
            ),
            ("model.layers = []", &format!("x.toml:7: `model.layers` has no layers\n{LISTS}")),
            ("model.layers = [\n3]", &format!("x.toml:8: `model.layers[0]` must be a layer, not 3\n{LISTS}")),
            (
                "model.layers = [{ dense = 8 },\n\"relu\"]",
                "x.toml:8: `model.layers[1]` is the last of the layers, and isn't `output`\nhint: \"output\" as the last layer: a dense layer to as many outputs as the data needs",
            ),
            (
                "model.layers = [\"output\",\n\"relu\"]",
                "x.toml:8: `model.layers[1]` is `relu` after `output`, after which there can only be `scale`\nhint: put it before \"output\", or take it out",
            ),
            // Words and tables.
            (
                "model.layers = [\n\"batchnorm\", \"output\"]",
                "x.toml:8: unknown layer \"batchnorm\" in `model.layers[0]`; did you mean \"batch-norm\"?\nhint: known are conv, patch-whitening, conv-relu-pool, dense, output, embedding, self-attention, batch-norm, layer-norm, group-norm, dropout, residual, repeat, max-pool, average-pool, global-average-pool, flatten, mean-over-positions, last-position, scale, identity, relu, leaky-relu, elu, gelu, silu, tanh, sigmoid, softplus, hardtanh, sine",
            ),
            (
                "model.layers = [\n\"conv\", \"output\"]",
                "x.toml:8: `model.layers[0]` is the layer conv, which needs `outputs`\nhint: { conv = 32, kernel = 3 }",
            ),
            (
                "model.layers = [\n{ kernel = 3 }, \"output\"]",
                &format!("x.toml:8: `model.layers[0]` doesn't say which layer it is\n{LISTS}"),
            ),
            (
                "model.layers = [\n{ conv = 4, dense = 3 }, \"output\"]",
                "x.toml:8: `model.layers[0]` is one layer, and has both `conv` and `dense`\nhint: { conv = … }, { dense = … }",
            ),
            (
                "model.layers = [\n{ conv = 4, kernal = 3 }, \"output\"]",
                "x.toml:8: unknown key `kernal` of the layer conv in `model.layers[0]`; did you mean `kernel`?\nhint: conv knows outputs, kernel, stride, padding, groups, bias, initialization, deviation, gain",
            ),
            (
                "model.layers = [\n{ relu = 3 }, \"output\"]",
                "x.toml:8: `relu` of `model.layers[0]` has no number of its own\nhint: \"relu\"",
            ),
            (
                "model.layers = [\n{ dense = 0 }, \"output\"]",
                "x.toml:8: `outputs` of `model.layers[0]` must be a whole number from 1 to 65536, not 0\nhint: { dense = 64 }",
            ),
            (
                "model.layers = [\n{ conv = 4, padding = \"valid\" }, \"output\"]",
                "x.toml:8: `padding` of `model.layers[0]` must be \"same\" or a whole number from 0 to 1024, not \"valid\"\nhint: without `padding` its default holds",
            ),
            (
                "model.layers = [\n{ dropout = 1.0 }, \"output\"]",
                "x.toml:8: `probability` of `model.layers[0]` must be a number from 0 up to but not including 1, not 1.0\nhint: { dropout = 0.5 }",
            ),
            (
                "model.layers = [\n{ dense = 4, initialization = \"normal\" }, \"output\"]",
                "x.toml:8: `model.layers[0]` is the layer dense, which needs `deviation`\nhint: { dense = 64 }",
            ),
            (
                "model.layers = [\n{ dense = 4, gain = 2 }, \"output\"]",
                "x.toml:8: `gain` of `model.layers[0]` belongs to `initialization`, which isn't given here\nhint: take `gain` out",
            ),
            (
                "model.layers = [\n{ layer = \"batch-norm\", initialization = \"kaiming\" }, \"output\"]",
                "x.toml:8: unknown initialisation of a normalisation \"kaiming\"\nhint: known are zero",
            ),
            (
                "model.layers = [\n{ layer = \"batch-norm\", scale = 1 }, \"output\"]",
                "x.toml:8: `scale` of `model.layers[0]` must be true or false, not 1\nhint: without `scale` its default holds",
            ),
            (
                "model.layers = [\n{ layer = \"batch-norm\", scale = false, initialization = \"zero\" }, \"output\"]",
                "x.toml:8: `initialization` of `model.layers[0]` is that of the scale, and `scale` is false here\nhint: take `initialization` out",
            ),
            (
                "model.layers = [\n{ layer = \"conv\", outputs = 4, scale = 2 }, \"output\"]",
                "x.toml:8: `model.layers[0]` is one layer, and both `layer` and `scale` say which\nhint: a table for each layer",
            ),
            // Layers of layers.
            (
                "model.layers = [{ residual = [\n{ conv = 4 }, \"tanhh\"] }, \"output\"]",
                "x.toml:8: unknown layer \"tanhh\" in `model.layers[0].residual[1]`; did you mean \"tanh\"?\nhint: known are conv, patch-whitening, conv-relu-pool, dense, output, embedding, self-attention, batch-norm, layer-norm, group-norm, dropout, residual, repeat, max-pool, average-pool, global-average-pool, flatten, mean-over-positions, last-position, scale, identity, relu, leaky-relu, elu, gelu, silu, tanh, sigmoid, softplus, hardtanh, sine",
            ),
            (
                "model.layers = [{ residual = [{ conv = 4 }],\nshortcut = \"padding\" }, \"output\"]",
                "x.toml:8: unknown shortcut \"padding\" in `model.layers[0].shortcut`; did you mean \"pad\"?\nhint: known are \"identity\", \"pad\", and a list of layers",
            ),
            (
                "model.layers = [{ residual = [\n{ conv = 4 }] }, \"output\"]",
                "x.toml:7: `model.layers[0]` adds an image of 32×32 with 4 channels of its branch to an image of 32×32 with 3 channels of its shortcut\nhint: shortcut = [{ conv = OUTPUTS, kernel = 1, stride = STRIDE, bias = false }, \"batch-norm\"], or shortcut = \"pad\"",
            ),
            (
                "model.layers = [{ repeat = 0, layers = [\"relu\"] }, \"output\"]",
                "x.toml:7: `times` of `model.layers[0]` must be a whole number from 1 to 10000, not 0\nhint: { repeat = 3, layers = [{ dense = 64 }, \"relu\"] }",
            ),
            (
                "model.layers = [{ repeat = 9 }, \"output\"]",
                "x.toml:7: `model.layers[0]` is the layer repeat, which needs `layers`\nhint: { repeat = 3, layers = [{ dense = 64 }, \"relu\"] }",
            ),
            // What the data doesn't allow.
            (
                "model.layers = [{ repeat = 3, layers = [{ conv = 4 },\n{ max-pool = 4 }] }, \"output\"]",
                "x.toml:8: `model.layers[0].layers[1]` has a window of 4×4 pixels, and its input has 2×2 of them, padding included\nhint: fewer pools or smaller strides before it, a smaller window, or more padding",
            ),
            (
                "model.layers = [\"flatten\",\n{ conv = 4 }, \"output\"]",
                "x.toml:8: `model.layers[1]` is `conv`, which takes an image, and its input is a vector of 3072\nhint: take it out, or put it where its input is an image",
            ),
            (
                "model.layers = [\n{ embedding = 4 }, \"output\"]",
                "x.toml:8: `model.layers[0]` is `embedding`, which takes tokens, and its input is an image of 32×32 with 3 channels\nhint: take it out, or put it where its input is tokens",
            ),
            (
                "model.layers = [\n{ conv = 4, groups = 2 }, \"output\"]",
                "x.toml:8: `model.layers[0]` has 2 groups, which don't divide its 3 channels\nhint: groups = N, where N divides 3; 1 always does",
            ),
            (
                "model.layers = [\n{ conv = 4, kernel = 2 }, \"output\"]",
                "x.toml:8: `model.layers[0]` has a kernel of 2×2, and `same` padding is that of an odd side\nhint: kernel = 3, or padding = N",
            ),
            (
                "model.layers = [{ dense = 65536 },\n{ dense = 65536 }, \"output\"]",
                "x.toml:8: `model.layers[1]` brings the network to more than 268435456 parameters\nhint: fewer outputs, or a pool or stride before it",
            ),
            (
                "model.layers = [{ conv = 4 },\n{ patch-whitening = 4 }, \"output\"]",
                "x.toml:8: `model.layers[1]` is `patch-whitening`, whose filters are made of the data set's images, and isn't the first layer\nhint: put it before all others, or take it out",
            ),
            (
                "model.layers = [\"flatten\",\n{ patch-whitening = 4 }, \"output\"]",
                "x.toml:8: `model.layers[1]` is `patch-whitening`, which takes an image, and its input is a vector of 3072\nhint: take it out, or put it where its input is an image",
            ),
            (
                "model.layers = [\n{ patch-whitening = 25 }, \"output\"]",
                "x.toml:8: `model.layers[0]` has 25 outputs, and patches of 12 numbers have 12 directions with two signs each\nhint: outputs = 24, or fewer; or a larger kernel",
            ),
            (
                "model.layers = [\n{ patch-whitening = 4, kernel = 7 }, \"output\"]",
                "x.toml:8: `model.layers[0]` whitens patches of 147 numbers, and 128 are the most\nhint: a smaller kernel",
            ),
            (
                "model.layers = [\n{ patch-whitening = 4, kernel = 33 }, \"output\"]",
                "x.toml:8: `model.layers[0]` has a window of 33×33 pixels, and its input has 32×32 of them, padding included\nhint: fewer pools or smaller strides before it, a smaller window, or more padding",
            ),
            (
                "model.layers = [\n{ patch-whitening = 4, epsilon = 0 }, \"output\"]",
                "x.toml:8: `epsilon` of `model.layers[0]` must be a number above 0, not 0\nhint: without `epsilon` its default holds",
            ),
            (
                "data = { name = \"modular-addition\", modulus = 7 }\nmodel.layers = [\n{ patch-whitening = 4 }, \"output\"]",
                "x.toml:9: `model.layers[0]` is `patch-whitening`, which takes an image, and its input is a sequence of 3 tokens\nhint: { embedding = 128 } as the first layer, or data.encoding = \"one-hot\"",
            ),
            (
                "data = { name = \"spirals\", classes = 2, turns = 1, noise = 0.0, train = 50, test = 5 }\nmodel.layers = [\n{ patch-whitening = 4 }, \"output\"]",
                "x.toml:9: `model.layers[0]` is `patch-whitening`, which takes an image, and its input is a vector of 2\nhint: take it out, or put it where its input is an image",
            ),
            (
                "model = { conv = [4, 4, 4, 4, 4, 4], dense = [] }",
                "x.toml:7: the network's `conv[5]` leaves no pixel: its pool takes 2×2 pixels, and its input has 1×1 of them\nhint: fewer pools or smaller strides before it, a smaller window, or more padding",
            ),
            // Families.
            (
                "model.family = \"resnet20\"",
                "x.toml:4: experiment \"net\" (classify) needs `model.depth`\nhint: model.depth = 20\nx.toml:7: unknown family \"resnet20\"; did you mean \"resnet\"?\nhint: known are mlp, lenet-5, lenet-300-100, vgg, resnet, resnet-18, resnet-9, cnn-5, transformer",
            ),
            (
                "model.family = \"resnet\"",
                "x.toml:4: experiment \"net\" (classify) needs `model.depth`\nhint: model.depth = 20",
            ),
            (
                "model = { family = \"resnet\",\n depth = 21 }",
                "x.toml:8: the network is of the family resnet, whose depth must be 6n + 2: 8, 14, 20, 32, 44, 56, 110, …, 2000\nhint: another depth, or the layers themselves",
            ),
            (
                "model = { family = \"resnet\", depth = 20,\nheads = 4 }",
                "x.toml:8: `model.heads` is a parameter of transformer, and the family here is resnet",
            ),
            (
                "model = { family = \"resnet\", depth = 20, skip = false,\nshortcut = \"pad\" }",
                "x.toml:8: `model.shortcut` is of skip connections, and `model.skip` is false",
            ),
            (
                "model = { family = \"vgg\",\ndepth = 13 }",
                "x.toml:8: `model.depth` must be 11 or 16, not 13\nhint: other depths can be listed layer by layer",
            ),
            (
                "model = { family = \"transformer\", depth = 1, width = 8, heads = 2 }",
                "x.toml:7: the network is of the family \"transformer\", whose `layers[0]` is `embedding`, which takes tokens, and its input is an image of 32×32 with 3 channels\nhint: take it out, or put it where its input is tokens",
            ),
            (
                "model = { family = \"mlp\" }",
                "x.toml:4: experiment \"net\" (classify) needs `model.widths`\nhint: model.widths = [128, 128]",
            ),
            (
                "model = { family = \"mlp\", widths = [8],\nactivation = \"rleu\" }",
                "x.toml:8: unknown activation \"rleu\"; did you mean \"relu\"?\nhint: known are identity, relu, leaky-relu, elu, gelu, silu, tanh, sigmoid, softplus, hardtanh, sine",
            ),
            // Forms beside each other, initialisation, parametrisation.
            (
                "model.dense = [8]\nmodel.layers = [\"output\"]",
                "x.toml:8: `model.layers` is given beside `model.dense`, and a network is written in one way\nhint: take one of the two out",
            ),
            (
                "model.family = \"mlp\"\nmodel.layers = [\"output\"]",
                "x.toml:8: `model.layers` is given beside `model.family`, and a network is written in one way\nhint: take one of the two out",
            ),
            (
                "model.dense = [8]\nmodel.width = 4",
                "x.toml:8: `model.width` belongs to a family, and no `model.family` is given",
            ),
            (
                "model = { dense = [8], initialization = \"he\" }",
                "x.toml:7: unknown initialisation \"he\"\nhint: known are pytorch, kaiming, xavier, normal, orthogonal, zero, dirac",
            ),
            (
                "model = { dense = [8], initialization = \"normal\" }",
                "x.toml:4: experiment \"net\" (classify) needs `model.deviation`\nhint: model.deviation = 0.02",
            ),
            (
                "model = { dense = [8],\ndeviation = 0.1 }",
                "x.toml:8: `model.deviation` belongs to the initialisation normal, and the one here is pytorch",
            ),
            (
                "model = { dense = [8], parametrization = \"mup\" }",
                "x.toml:4: experiment \"net\" (classify) needs `model.base_width`\nhint: model.base_width = 64",
            ),
            (
                "model = { dense = [8],\nbase_width = 4 }",
                "x.toml:8: `model.base_width` belongs to the parametrisation mup, and the one here is standard",
            ),
            (
                "model = { dense = [], parametrization = \"mup\", base_width = 4 }",
                "x.toml:7: the network's `layers[0]` is parametrised by width (`mup`) and has no hidden layer whose width could be compared with the base\nhint: parametrization = \"standard\"",
            ),
        ],
    );
}

#[test]
fn lists_within_lists_end_somewhere() {
    let nested = (0..9).fold("\"relu\"".to_owned(), |inner, _| format!("{{ residual = [{inner}] }}"));
    let error = plan_error(&format!("model.layers = [{nested}, \"output\"]"));
    assert!(error.contains("lies within 8 lists of layers, and 7 are the most"), "{error}");
}

#[test]
fn what_cannot_be_built_for_an_imported_data_set_is_found_once_its_shape_is_known() {
    use crate::data::{Contents, InputKind, SplitSizes, TargetKind};
    let text = images("model = { family = \"vgg\", depth = 11, width = 2 }").replace("shapes", "mnist");
    let reference: crate::data::DatasetReference = "mnist".parse().unwrap();
    let digests = Datasets::from([(reference.clone(), crate::digest::Digest::of(b"mnist"))]);
    let file = SweepFile::parse(&source(&text)).unwrap();
    assert_eq!(file.clone().expand(&digests, 10).unwrap().tasks.len(), 1);
    let contents = Contents {
        sizes: SplitSizes { train: 60_000, test: 10_000 },
        example: InputKind::Image([1, 28, 28]),
        target: TargetKind::Classes(10),
    };
    let known = file.with_contents([(reference, contents)].into());
    assert_eq!(
        known.expand(&digests, 10).unwrap_err().to_string(),
        "x.toml:7: the network is of the family \"vgg\", whose `layers[28]` has a window of 2×2 pixels, and its input has 1×1 of them, padding included"
    );
}

//! Text that is no TOML, and names that are none.

use super::each_has_the_error;

#[test]
fn text_that_is_not_toml() {
    each_has_the_error(&[
        (
            "epochs = 3",
            "epochs = ",
            "x.toml:12: `epochs` has no value\nhint: epochs = 3, epochs = \"text\", epochs = [1, 2], or leave the line out",
        ),
        ("epochs = 3", "epochs = 3\nepochs = 4", "x.toml:13: this is not TOML: duplicate key"),
        (
            "epochs = 3",
            "epochs = 99999999999999999999",
            "x.toml:12: 99999999999999999999 is out of range: whole numbers go from -9223372036854775808 to 9223372036854775807",
        ),
        ("epochs = 3", "epochs = 2024-01-01", "x.toml:12: 2024-01-01 is a date, and no parameter is one"),
    ]);
}

#[test]
fn unknown_names() {
    each_has_the_error(&[
        (
            "\"adam\"",
            "\"adm\"",
            "x.toml:13: unknown optimiser \"adm\"; did you mean \"adam\"?\nhint: known are adam, sgd, adamw, rmsprop, lion, muon",
        ),
        (
            "\"sin\"",
            "\"sinus\"",
            "x.toml:18: `function` is no function of x: at character 1: `sinus` is not known; there are x, x1 to x16, pi, e, sin, cos, tan, exp, ln, sqrt, abs, tanh, floor, sign, sinc, min, max, mod, if\nhint: sin, cube, or an expression: \"exp(-x)*cos(4*pi*x)\"",
        ),
        (
            "\"shapes\"",
            "\"cifar\"",
            "x.toml:2: the data set \"cifar\" isn't there; did you mean \"cifar10\"?\nhint: basin data import cifar PATH",
        ),
        (
            "\"classify\"",
            "\"clasify\"",
            "x.toml:9: unknown kind of experiment \"clasify\"; did you mean \"classify\"?\nhint: known are fit-function, classify, regress, \
             critical-point, interpolate, surface, command",
        ),
        (
            "\"curves\"",
            "\"curve\"",
            "x.toml:25: unknown kind of figure \"curve\"; did you mean \"curves\"?\nhint: known are curves, predictions, against, \
             scatter, trajectories, surface, interpolation, spectrum",
        ),
        (
            "\"adam\"",
            "\"xyz\"",
            "x.toml:13: unknown optimiser \"xyz\"\nhint: known are adam, sgd, adamw, rmsprop, lion, muon",
        ),
    ]);
}

#[test]
fn ids_that_are_none_or_not_unique() {
    each_has_the_error(&[
        (
            "\"sample\"",
            "\"../sample\"",
            "x.toml:1: `../sample` is not a sweep name: 1 to 60 letters, digits, `-`, `_` and `.` are expected, the first a \
             letter or a digit",
        ),
        (
            "\"function\"",
            "\"images\"",
            "x.toml:15: two experiments are called \"images\": this and that on line 7",
        ),
        (
            "[profile",
            "[[figure]]\nid = \"figure-1\"\nkind = \"predictions\"\nexperiment = \"function\"\n[profile",
            "x.toml:30: two figures are called \"figure-1\"",
        ),
    ]);
}

use proptest::prelude::*;

use super::*;

fn expression(text: &str) -> Expression {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str, x: f64) -> f64 {
    expression(text).at(&[x])
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, value) in [
        ("1 + 2*3", 7.0),
        ("(1 + 2)*3", 9.0),
        ("2 - 3 - 4", -5.0),
        ("24/4/2", 3.0),
        ("2^3^2", 512.0),
        ("-2^2", -4.0),
        ("2^-1", 0.5),
        ("--3", 3.0),
        ("2*-3", -6.0),
        ("1.5e2 + .5", 150.5),
        ("4^0.5", 2.0),
        ("1 < 2", 1.0),
        ("2*(3 >= 4)", 0.0),
        ("if(1 == 1, 5, 1/0)", 5.0),
        ("mod(-1, 3)", 2.0),
        ("min(2, 1) + max(2, 1)", 3.0),
        ("sign(-3) + sign(0)", -1.0),
    ] {
        assert!((at(text, 0.0) - value).abs() < 1e-15, "{text}: {}", at(text, 0.0));
    }
}

#[test]
fn the_functions_of_the_homework_have_their_values() {
    let sinc = "sin(5*pi*x)/(5*pi*x)";
    assert!(at(sinc, 0.0).is_nan(), "the quotient has no value there, and the limit has a name");
    assert_eq!(at("sinc(5*pi*x)", 0.0), 1.0);
    assert_eq!(at("sinc(5*pi*x)", 0.3), at(sinc, 0.3));
    let stairs = "floor(3*x)/3";
    assert_eq!([at(stairs, 0.3), at(stairs, 0.4), at(stairs, -0.1)], [0.0, 1.0 / 3.0, -1.0 / 3.0]);
    let triangle = "1 - 2*abs(mod(x, 2) - 1)";
    for (x, value) in [(0.0, -1.0), (0.5, 0.0), (1.0, 1.0), (1.5, 0.0), (2.0, -1.0), (-0.5, 0.0)] {
        assert_eq!(at(triangle, x), value, "{x}");
    }
    let damped = "exp(-x)*cos(4*pi*x)";
    assert!((at(damped, 0.5) - basin_math::exp(-0.5)).abs() < 1e-15);
}

#[test]
fn several_variables_have_numbers() {
    let product = expression("x1*x3 + x");
    assert_eq!((product.variables(), product.at(&[2.0, 7.0, 5.0])), (3, 12.0));
    assert_eq!(product.to_string(), "x1*x3+x1");
    assert_eq!(expression("x1 + 1").to_string(), "x+1");
}

#[test]
fn one_expression_has_one_text() {
    for (text, canonical) in [
        ("sin( 5 * pi*x )/(5*pi*x)", "sin(5*pi*x)/(5*pi*x)"),
        ("((x))+(2*(3))", "x+2*3"),
        ("(1-2)-3", "1-2-3"),
        ("1-(2-3)", "1-(2-3)"),
        ("(2^3)^2", "(2^3)^2"),
        ("2^(3^2)", "2^3^2"),
        ("(-x)^2", "(-x)^2"),
        ("-(x^2)", "-x^2"),
        ("(x < 1)*x", "(x<1)*x"),
        ("1e-3*x", "1e-3*x"),
    ] {
        assert_eq!(expression(text).to_string(), canonical);
        assert_eq!(expression(canonical).to_string(), canonical);
        let (one, other) = (expression(text), expression(canonical));
        assert_eq!(one.at(&[0.3]).to_bits(), other.at(&[0.3]).to_bits(), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    let deep = "(".repeat(60);
    for (text, at, reason) in [
        ("", 1, "the expression ends where a term is missing"),
        ("2x", 2, "`x` is more than an expression"),
        ("sin x", 5, "`sin` needs its argument in parentheses"),
        ("sin(x", 6, "a `)` is missing"),
        ("min(x)", 7, "`min` takes 2 and not 1 arguments"),
        (
            "y + 1",
            1,
            "`y` is not known; there are x, x1 to x16, pi, e, sin, cos, tan, exp, ln, sqrt, abs, tanh, floor, sign, sinc, min, max, mod, if",
        ),
        ("x17", 1, "`x17` is beyond x16, the last variable"),
        (
            "x0",
            1,
            "`x0` is not known; there are x, x1 to x16, pi, e, sin, cos, tan, exp, ln, sqrt, abs, tanh, floor, sign, sinc, min, max, mod, if",
        ),
        ("1e999", 1, "`1e999` is no finite number"),
        ("x ** 2", 3, "a power is written `^`"),
        ("π", 1, "`π` is no term"),
        ("1 < 2 < 3", 7, "`<` is more than an expression"),
        (&deep, 52, "the expression is nested more than 50 deep"),
    ] {
        let error = text.parse::<Expression>().unwrap_err();
        assert_eq!((error.at, error.reason.as_str()), (at, reason), "{text}");
    }
    assert!("1+".repeat(600).parse::<Expression>().is_err(), "too long");
}

proptest! {
    /// Whatever the text: refused, or an expression with a value, and with a text that is read as the same.
    #[test]
    fn every_text_is_read_or_refused(text in "[-+*/^()<>=., x1-3ei.psnlacbof]{0,60}") {
        if let Ok(expression) = text.parse::<Expression>() {
            let point = [0.25; MOST_VARIABLES];
            let value = expression.at(&point);
            let again: Expression = expression.to_string().parse().unwrap();
            prop_assert_eq!(&again.to_string(), &expression.to_string());
            let same = again.at(&point);
            prop_assert!(same.to_bits() == value.to_bits() || same.is_nan() && value.is_nan(), "{}", text);
        }
    }
}

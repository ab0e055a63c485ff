//! Path data as PDF's operators.

use std::fmt::Write as _;

use super::number::number;

/// How far the control points of a quarter of a circle lie from its ends, in radii.
const QUARTER: f64 = 0.552_284_75;

/// The operators of SVG path data of the commands that figures use: `M`, `L`, `Q`, `C` and `Z`, and `a` for halves of circles
/// whose ends lie beside each other.
pub(super) fn operators(data: &str) -> String {
    let mut out = String::new();
    let (mut at, mut start) = ((0.0, 0.0), (0.0, 0.0));
    for (command, numbers) in commands(data) {
        match command {
            'M' | 'L' => {
                for (place, point) in numbers.chunks_exact(2).enumerate() {
                    at = (point[0], point[1]);
                    let is_start = command == 'M' && place == 0;
                    if is_start {
                        start = at;
                    }
                    put(&mut out, &[at], if is_start { "m" } else { "l" });
                }
            }
            'Q' => {
                for points in numbers.chunks_exact(4) {
                    let (control, end) = ((points[0], points[1]), (points[2], points[3]));
                    let near = |end: (f64, f64)| {
                        (end.0 + 2.0 / 3.0 * (control.0 - end.0), end.1 + 2.0 / 3.0 * (control.1 - end.1))
                    };
                    put(&mut out, &[near(at), near(end), end], "c");
                    at = end;
                }
            }
            'C' => {
                for points in numbers.chunks_exact(6) {
                    let end = (points[4], points[5]);
                    put(&mut out, &[(points[0], points[1]), (points[2], points[3]), end], "c");
                    at = end;
                }
            }
            'a' => {
                for arc in numbers.chunks_exact(7) {
                    at = half_circle(&mut out, at, arc[5]);
                }
            }
            'Z' => {
                out.push_str("h\n");
                at = start;
            }
            // Our own writer knows no other.
            _ => {}
        }
    }
    out
}

/// Half a circle from `from` to as far beside it, anticlockwise on a page whose vertical axis goes down; returns its end.
fn half_circle(out: &mut String, from: (f64, f64), across: f64) -> (f64, f64) {
    let radius = across / 2.0;
    let bow = radius * QUARTER;
    let middle = (from.0 + radius, from.1 + radius);
    let end = (from.0 + across, from.1);
    put(out, &[(from.0, from.1 + bow), (middle.0 - bow, middle.1), middle], "c");
    put(out, &[(middle.0 + bow, middle.1), (end.0, end.1 + bow), end], "c");
    end
}

fn put(out: &mut String, points: &[(f64, f64)], operator: &str) {
    for &(x, y) in points {
        write!(out, "{} {} ", number(x), number(y)).expect("text can be written to");
    }
    out.push_str(operator);
    out.push('\n');
}

/// The commands of path data with their numbers.
fn commands(data: &str) -> Vec<(char, Vec<f64>)> {
    let mut commands: Vec<(char, Vec<f64>)> = Vec::new();
    let is_command = |c: char| c.is_ascii_alphabetic() && c != 'e';
    let mut rest = data;
    while let Some(command) = rest.chars().next() {
        let body = &rest[command.len_utf8()..];
        let end = body.find(is_command).unwrap_or(body.len());
        let numbers = body[..end].split_whitespace().filter_map(|number| number.parse().ok()).collect();
        commands.push((command, numbers));
        rest = &body[end..];
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_curves_keep_their_points() {
        assert_eq!(operators("M1 2L3 4 5 6Z"), "1 2 m\n3 4 l\n5 6 l\nh\n");
        assert_eq!(operators("M0 0C1 2 3 4 5 6"), "0 0 m\n1 2 3 4 5 6 c\n");
        assert_eq!(operators("M0 0Q3 3 6 0"), "0 0 m\n2 2 4 2 6 0 c\n");
        assert_eq!(operators("M0 -1.5L2 3M7 8L9 9"), "0 -1.5 m\n2 3 l\n7 8 m\n9 9 l\n");
        assert_eq!(operators(""), "");
    }

    #[test]
    fn two_half_circles_are_a_circle() {
        let circle = operators("M7 10a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z");
        let lines: Vec<&str> = circle.lines().collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[0], "7 10 m");
        let ends = |line: &str| line.split(' ').skip(4).take(2).collect::<Vec<_>>().join(" ");
        assert_eq!(
            lines[1..5].iter().map(|line| ends(line)).collect::<Vec<_>>(),
            ["10 13", "13 10", "10 7", "7 10"]
        );
    }
}

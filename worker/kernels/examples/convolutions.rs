//! How long a convolution's passes take, layer by layer, in rows that `docs/bench/pytorch_convolutions.py` prints too.
//!
//! `cargo run --release -p basin-kernels --example convolutions -- [--code-path avx2] [--threads 2] [--batch 128] [--layers 64x8x64x3x1]`
//!
//! Times are those of the process's processors, divided by the threads: on a machine that does other work too, they are what the work
//! takes by itself.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program of a person who measures")]

use std::time::Instant;

use basin_kernels::network::operations::{Conv2d, Conv2dOptions};
use basin_kernels::network::{Kept, Mode, OfInputs, OpContext, OpGradients, Operation, Pass};

/// Channels, side of the image, outputs, kernel, stride: the layers of ResNet-20, of ResNet-18's transitions, and of VGG for 32×32 pixels.
const LAYERS: [[usize; 5]; 18] = [
    [3, 32, 16, 3, 1],
    [16, 32, 16, 3, 1],
    [16, 32, 32, 3, 2],
    [32, 16, 32, 3, 1],
    [32, 16, 64, 3, 2],
    [64, 8, 64, 3, 1],
    [16, 32, 32, 1, 2],
    [32, 16, 64, 1, 2],
    [3, 32, 64, 3, 1],
    [64, 32, 64, 3, 1],
    [64, 16, 128, 3, 1],
    [128, 16, 128, 3, 1],
    [128, 8, 256, 3, 1],
    [256, 8, 256, 3, 1],
    [256, 4, 512, 3, 1],
    [512, 4, 512, 3, 1],
    [512, 2, 512, 3, 1],
    [64, 32, 128, 3, 2],
];
/// The shortest and the longest time that one figure is measured for, in seconds.
const WINDOW: (f64, f64) = (0.15, 1.5);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut batch, mut threads, mut layers) = (128, 2, String::new());
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        match name.as_str() {
            "--code-path" => assert!(basin_kernels::force_code_path(value.parse().unwrap())),
            "--threads" => threads = value.parse().unwrap(),
            "--batch" => batch = value.parse().unwrap(),
            "--layers" => layers = value,
            _ => panic!("unknown option {name}"),
        }
    }
    basin_kernels::keep_freed_memory();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    println!("layer forward_ms input_ms weight_ms gflops_forward gflops_input gflops_weight");
    if layers.is_empty() {
        LAYERS.iter().for_each(|&layer| measure(layer, batch, threads));
    } else {
        layers.split(',').for_each(|layer| measure(parsed(layer), batch, threads));
    }
}

/// The sizes of a layer, as its row names them.
fn parsed(name: &str) -> [usize; 5] {
    let sizes: Vec<usize> = name.split('x').map(|size| size.parse().unwrap()).collect();
    sizes.try_into().unwrap()
}

fn measure(layer: [usize; 5], batch: usize, threads: usize) {
    let name = layer.map(|size| size.to_string()).join("x");
    let [channels, side, outputs, kernel, stride] = layer;
    let options = Conv2dOptions { outputs, kernel, stride, padding: kernel / 2, groups: 1, has_bias: false };
    let conv = Conv2d::new([channels, side, side], options).unwrap();
    let shapes = Operation::<f32>::shapes(&conv);
    let numbers = |count: usize| -> Vec<f32> {
        (0..count as u32)
            .map(|index| (index.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    };
    let (x, weight) = (numbers(batch * shapes.inputs[0]), numbers(shapes.parameters[0].iter().product()));
    let mut y = vec![0.0_f32; batch * shapes.output];
    let mut gradient = numbers(y.len());
    let (mut of_x, mut of_weight) = (vec![0.0_f32; x.len()], [vec![0.0_f32; weight.len()]]);
    let pass = Pass { batch, mode: Mode::Training { step: 0, updates_statistics: true } };
    let context = OpContext { pass, inputs: &[&x], parameters: &[&weight], buffers: &[] };
    let mut kept = Kept::default();
    let forward = best(|| conv.forward(&context, &mut kept, &mut y));
    let input = best(|| {
        let into = OpGradients { inputs: OfInputs::from_iter([Some(&mut of_x[..])]), parameters: None };
        conv.vjp(&context, &Kept::default(), &y, &mut gradient, into);
    });
    let parameters = best(|| {
        let into = OpGradients { inputs: OfInputs::from_iter([None]), parameters: Some(&mut of_weight) };
        conv.vjp(&context, &Kept::default(), &y, &mut gradient, into);
    });
    let flops = 2.0 * (batch * shapes.output * weight.len() / outputs) as f64;
    let times = [forward, input, parameters].map(|seconds| seconds / threads as f64);
    let milliseconds = times.map(|seconds| format!("{:.3}", seconds * 1e3)).join(" ");
    let rates = times.map(|seconds| format!("{:.0}", flops / seconds / 1e9)).join(" ");
    println!("{name} {milliseconds} {rates}");
}

/// The best time of a call, in seconds of the processors: noise only ever slows down.
fn best(mut work: impl FnMut()) -> f64 {
    work();
    let (mut best, start, mut calls) = (f64::INFINITY, Instant::now(), 0);
    while calls < 5 && start.elapsed().as_secs_f64() < WINDOW.1 || start.elapsed().as_secs_f64() < WINDOW.0 {
        let call = processor_seconds();
        work();
        best = best.min(processor_seconds() - call);
        calls += 1;
    }
    best
}

/// The time that the process has had of all processors.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one that every system has, and the time is written to memory that lives.
    assert!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) } == 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

//! The recorded weights of several runs, as snapshots of one dimension.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::snapshots::Snapshots;
use super::weights_file::{Parameter, WeightsFile};

/// The choice of layers that means all of them.
pub(crate) const ALL_LAYERS: &str = "all";

/// How many bytes are read at once.
const PIECE: usize = 1 << 16;

/// Snapshots of some parameters of runs that have the same ones.
#[derive(Debug)]
pub(super) struct RecordedWeights<'a> {
    files: Vec<&'a WeightsFile>,
    /// Of each chosen parameter, its place in the files and its number of coordinates.
    chosen: Vec<(usize, usize)>,
    /// (file, place among its snapshots).
    snapshots: Vec<(usize, usize)>,
    dimension: usize,
    /// The file that was read last.
    open: Option<(usize, File)>,
    bytes: Vec<u8>,
}

/// Whether a parameter belongs to `layer`: a layer has `<layer>.weight` and `<layer>.bias`.
fn belongs(parameter: &str, layer: &str) -> bool {
    layer == ALL_LAYERS
        || parameter.strip_prefix(layer).is_some_and(|rest| matches!(rest, ".weight" | ".bias"))
}

/// The parameters of `layer` in a file.
pub(super) fn parameters_of<'a>(file: &'a WeightsFile, layer: &str) -> Vec<&'a Parameter> {
    file.parameters.iter().filter(|parameter| belongs(&parameter.name, layer)).collect()
}

impl<'a> RecordedWeights<'a> {
    /// The parameters of `layer` of these files at the chosen places among their snapshots. The files have the same
    /// parameters, of the same shapes, in this layer.
    pub(super) fn new(files: &[(&'a WeightsFile, Vec<usize>)], layer: &str) -> Self {
        let chosen: Vec<(usize, usize)> = files.first().map_or_else(Vec::new, |(file, _)| {
            let parameters = file.parameters.iter().enumerate();
            parameters
                .filter(|(_, parameter)| belongs(&parameter.name, layer))
                .map(|(place, parameter)| (place, parameter.elements()))
                .collect()
        });
        let snapshots = files
            .iter()
            .enumerate()
            .flat_map(|(file, (_, places))| places.iter().map(move |&place| (file, place)))
            .collect();
        Self {
            files: files.iter().map(|(file, _)| *file).collect(),
            dimension: chosen.iter().map(|(_, elements)| elements).sum(),
            chosen,
            snapshots,
            open: None,
            bytes: Vec::new(),
        }
    }

    /// The file of a snapshot, by its place among the files.
    pub(super) fn file_of(&self, snapshot: usize) -> usize {
        self.snapshots[snapshot].0
    }

    fn opened(&mut self, file: usize) -> Result<&mut File, io::Error> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != file) {
            self.open = Some((file, File::open(&self.files[file].path)?));
        }
        Ok(&mut self.open.as_mut().expect("it was opened").1)
    }

    fn read_at(&mut self, file: usize, offset: u64, values: &mut [f32]) -> Result<(), io::Error> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.resize(PIECE, 0);
        let file = self.opened(file)?;
        file.seek(SeekFrom::Start(offset))?;
        for piece in values.chunks_mut(PIECE / size_of::<f32>()) {
            let bytes = &mut bytes[..size_of_val(piece)];
            file.read_exact(bytes)?;
            for (value, bytes) in piece.iter_mut().zip(bytes.chunks_exact(size_of::<f32>())) {
                *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Snapshots for RecordedWeights<'_> {
    fn count(&self) -> usize {
        self.snapshots.len()
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn read(&mut self, snapshot: usize, start: usize, values: &mut [f32]) -> Result<(), io::Error> {
        let (file, place) = self.snapshots[snapshot];
        let (mut before, mut filled) = (0, 0);
        for index in 0..self.chosen.len() {
            let (parameter, elements) = self.chosen[index];
            let from = (start + filled).saturating_sub(before);
            if filled < values.len() && from < elements {
                let length = (elements - from).min(values.len() - filled);
                let offset = self.files[file].recorded[place].offsets[parameter];
                let at = offset + (from * size_of::<f32>()) as u64;
                self.read_at(file, at, &mut values[filled..filled + length])?;
                filled += length;
            }
            before += elements;
        }
        Ok(())
    }
}

use super::*;
use crate::export_format::ExportFormat;

fn sweep(name: &str) -> SweepId {
    SweepId::new(format!("{name}-0123456789")).unwrap()
}

fn files(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn write(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, *name).unwrap();
    }
}

/// All that is there, but the marker.
fn there(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned()),
            }
        }
    }
    found.retain(|name| name != marker::FILE_NAME);
    found.sort();
    found
}

fn claim(path: &Path, name: &str, policy: OtherSweepPolicy) -> Result<OutputFolder, FolderError> {
    OutputFolder::claim(path, &sweep(name), policy)
}

/// A report of these files in a folder of this sweep.
fn report(path: &Path, name: &str, policy: OtherSweepPolicy, names: &[&str]) {
    write_set(path, name, policy, FileSet::Report, names);
}

fn write_set(path: &Path, name: &str, policy: OtherSweepPolicy, set: FileSet, names: &[&str]) {
    let mut folder = claim(path, name, policy).unwrap();
    folder.begin(set, &files(names)).unwrap();
    write(path, names);
    folder.finish(set, files(names)).unwrap();
}

#[test]
fn what_is_left_of_an_earlier_report_goes_and_everything_else_stays() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("new/out");
    report(&out, "a", OtherSweepPolicy::Refuse, &["index.html", "figures/1.svg", "figures/2.svg"]);
    let mut folder = claim(&out, "a", OtherSweepPolicy::Refuse).unwrap();
    folder.begin(FileSet::Runs, &files(&["results/e/1/m", "results/e/2/m"])).unwrap();
    write(&out, &["results/e/1/m", "results/e/2/m", "notes.txt", "figures/mine.png"]);
    folder.finish(FileSet::Runs, files(&["results/e/1/m", "results/e/2/m"])).unwrap();
    report(&out, "a", OtherSweepPolicy::Refuse, &["index.html", "figures/1.svg"]);
    assert_eq!(
        there(&out),
        ["figures/1.svg", "figures/mine.png", "index.html", "notes.txt", "results/e/1/m", "results/e/2/m"]
    );
    let mut folder = claim(&out, "a", OtherSweepPolicy::Refuse).unwrap();
    folder.begin(FileSet::Runs, &files(&["results/e/1/m"])).unwrap();
    folder.finish(FileSet::Runs, files(&["results/e/1/m"])).unwrap();
    assert!(!out.join("results/e/2").exists(), "empty folders go too");
}

#[test]
fn exports_lie_beside_the_report_and_each_replaces_itself() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    let export = |name: &str, policy, format, names: &[&str]| {
        write_set(out, name, policy, FileSet::Export(format), names);
    };
    report(out, "a", OtherSweepPolicy::Refuse, &["index.html"]);
    export("a", OtherSweepPolicy::Refuse, ExportFormat::Csv, &["csv/results.csv"]);
    export(
        "a",
        OtherSweepPolicy::Refuse,
        ExportFormat::Mlflow,
        &["mlruns/1/meta.yaml", "mlruns/2/meta.yaml"],
    );
    write(out, &["mlruns/mine"]);
    export("a", OtherSweepPolicy::Refuse, ExportFormat::Mlflow, &["mlruns/2/meta.yaml"]);
    assert_eq!(there(out), ["csv/results.csv", "index.html", "mlruns/2/meta.yaml", "mlruns/mine"]);
    export("b", OtherSweepPolicy::Clear, ExportFormat::Csv, &["csv/results.csv"]);
    assert_eq!(there(out), ["csv/results.csv", "mlruns/mine"]);
    let text = fs::read_to_string(out.join(marker::FILE_NAME)).unwrap();
    assert!(text.contains("\"exports\"") && text.contains("\"csv\""), "{text}");
    assert!(!text.contains("mlflow"), "{text}");
}

#[test]
fn another_sweeps_folder_is_refused_and_cleared_by_request() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    report(out, "a", OtherSweepPolicy::Refuse, &["index.html", "figures/old.svg"]);
    write(out, &["notes.txt"]);
    let error = claim(out, "b", OtherSweepPolicy::Refuse).unwrap_err();
    assert!(matches!(error, FolderError::OtherSweep { sweep: found, .. } if found == sweep("a")));
    assert_eq!(there(out), ["figures/old.svg", "index.html", "notes.txt"]);
    report(out, "b", OtherSweepPolicy::Clear, &["index.html"]);
    assert_eq!(there(out), ["index.html", "notes.txt"]);
    assert!(claim(out, "a", OtherSweepPolicy::Refuse).is_err());
}

#[test]
fn a_strangers_folder_is_refused_whatever_is_asked_for_and_stays_as_it_is() {
    for names in [&["index.html"][..], &["data/x.csv"], &["figures/1.svg", "results.csv"], &[".hidden"]] {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), names);
        for policy in [OtherSweepPolicy::Refuse, OtherSweepPolicy::Clear] {
            let error = claim(place.path(), "a", policy).unwrap_err();
            assert!(matches!(error, FolderError::ForeignFiles { .. }), "{error}");
        }
        assert_eq!(there(place.path()), names);
        assert!(!place.path().join(marker::FILE_NAME).exists());
    }
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("lost+found")).unwrap();
    assert!(claim(place.path(), "a", OtherSweepPolicy::Refuse).is_ok(), "an empty volume is an empty folder");
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("empty")).unwrap();
    assert!(claim(place.path(), "a", OtherSweepPolicy::Clear).is_err());
}

#[test]
fn a_file_that_somebody_else_put_there_is_not_written_over() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = claim(place.path(), "a", OtherSweepPolicy::Refuse).unwrap();
    write(place.path(), &["claims.csv"]);
    let error = folder.begin(FileSet::Report, &files(&["claims.csv", "index.html"])).unwrap_err();
    assert!(matches!(error, FolderError::FileConflict { path } if path.ends_with("claims.csv")));
}

/// Whatever is killed after whichever step, the folder is the sweep's, and the next report has it right.
#[test]
fn a_report_that_was_killed_leaves_a_folder_that_is_ours() {
    for written in 0..=2 {
        let place = tempfile::tempdir().unwrap();
        let out = place.path();
        report(out, "a", OtherSweepPolicy::Refuse, &["index.html", "figures/old.svg"]);
        let new = ["figures/new.svg", "index.html"];
        let mut folder = claim(out, "b", OtherSweepPolicy::Clear).unwrap();
        folder.begin(FileSet::Report, &files(&new)).unwrap();
        write(out, &new[..written]);
        // Killed here: with files written, named in the marker, and half of one beside.
        write(out, &[".index.html.4711.part"]);
        drop(folder);
        report(out, "b", OtherSweepPolicy::Refuse, &new);
        assert_eq!(there(out), [".index.html.4711.part", "figures/new.svg", "index.html"]);
    }
    // Between the change of the marker and the removal of what it names.
    let place = tempfile::tempdir().unwrap();
    report(place.path(), "a", OtherSweepPolicy::Refuse, &["index.html", "figures/old.svg"]);
    let mut marker = marker::read(place.path()).unwrap().unwrap();
    marker.sweep = sweep("b");
    marker::write(place.path(), &marker, true).unwrap();
    report(place.path(), "b", OtherSweepPolicy::Refuse, &["index.html"]);
    assert_eq!(there(place.path()), ["index.html"]);
    // Before the first marker had its name.
    let place = tempfile::tempdir().unwrap();
    write(place.path(), &[".basin-output.aB3x9Q.part"]);
    report(place.path(), "a", OtherSweepPolicy::Refuse, &["index.html"]);
}

#[test]
fn half_written_files_of_long_ago_go() {
    let place = tempfile::tempdir().unwrap();
    let old = [".index.html.4711.part", "figures/.1.svg.4711.part", ".notes.txt.4711.part"];
    report(place.path(), "a", OtherSweepPolicy::Refuse, &["index.html", "figures/1.svg"]);
    write(place.path(), &old);
    for name in old {
        let file = fs::File::options().write(true).open(place.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - 2 * ABANDONED_AFTER).unwrap();
    }
    report(place.path(), "a", OtherSweepPolicy::Refuse, &["index.html", "figures/1.svg"]);
    assert_eq!(there(place.path()), [".notes.txt.4711.part", "figures/1.svg", "index.html"]);
}

#[test]
fn a_folder_of_before_is_known_by_its_files_and_its_page() {
    let page = format!("<!doctype html>\n<title>{} · basin report</title>", sweep("a"));
    let of_before = ["figures/1.svg", "provenance.csv", "results.csv", "results/e/1/metrics.parquet"];
    let make = |more: &[&str]| {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), &of_before);
        write(place.path(), more);
        fs::write(place.path().join("index.html"), &page).unwrap();
        place
    };
    let place = make(&[]);
    assert!(matches!(
        claim(place.path(), "b", OtherSweepPolicy::Refuse),
        Err(FolderError::OtherSweep { .. })
    ));
    report(place.path(), "a", OtherSweepPolicy::Refuse, &["index.html"]);
    assert_eq!(there(place.path()), ["index.html", "results/e/1/metrics.parquet"]);
    let place = make(&[]);
    report(place.path(), "b", OtherSweepPolicy::Clear, &["index.html"]);
    assert_eq!(there(place.path()), ["index.html"]);
    for stranger in ["thesis.tex", "figures/1.txt", "results/e/1/other", "results/e/x"] {
        let place = make(&[stranger]);
        let error = claim(place.path(), "a", OtherSweepPolicy::Clear).unwrap_err();
        assert!(matches!(&error, FolderError::ForeignFiles { file, .. } if file == stranger), "{error}");
    }
}

#[test]
fn a_marker_that_names_files_elsewhere_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    write(place.path(), &["precious"]);
    for name in ["../precious", "/etc/passwd", "", "a/../../precious"] {
        drop(fs::remove_dir_all(&out));
        drop(claim(&out, "a", OtherSweepPolicy::Refuse).unwrap());
        let mut marker = Marker::of(&sweep("a"));
        marker.report.insert(name.to_owned());
        marker::write(&out, &marker, true).unwrap();
        assert!(
            matches!(claim(&out, "b", OtherSweepPolicy::Clear), Err(FolderError::Marker { .. })),
            "{name}"
        );
    }
    fs::write(out.join(marker::FILE_NAME), "{}").unwrap();
    assert!(matches!(claim(&out, "a", OtherSweepPolicy::Clear), Err(FolderError::Marker { .. })));
    assert!(place.path().join("precious").exists());
}

#[test]
fn what_lies_beyond_a_link_is_not_removed() {
    let place = tempfile::tempdir().unwrap();
    let (out, elsewhere) = (place.path().join("out"), place.path().join("elsewhere"));
    report(&out, "a", OtherSweepPolicy::Refuse, &["figures/1.svg"]);
    fs::rename(out.join("figures"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, out.join("figures")).unwrap();
    report(&out, "a", OtherSweepPolicy::Refuse, &["index.html"]);
    assert!(elsewhere.join("1.svg").exists());
}

//! Claims in files, on the page and in the summary.

use super::*;

/// Results with a claim that holds and one of two checks that doesn't; their words need escaping.
fn results() -> Results {
    let runs = [losses(1, &[0.9, 0.8, 0.85, 0.95]), losses(2, &[f64::NAN, 2.0, 2.0])].concat();
    let within = |of, low, high| Check::Within { of, y: y(), low, high };
    let claims = vec![
        Claim {
            text: "Loss is <b>below</b> 1, \"always\"".to_owned(),
            checks: vec![within(width(1), 0.0, 1.0)],
            analysis: Analysis::default(),
        },
        Claim {
            text: "Two things".to_owned(),
            checks: vec![within(width(1), 2.0, 3.0), within(width(2), 0.0, 1.0)],
            analysis: Analysis::default(),
        },
    ];
    crate::tests::results_with_claims(runs, claims)
}

/// What is said of a verdict of four runs.
const CAUTION: &str = "rests on 4 runs: the interval is right if runs are distributed normally, which 4 runs can't show; up to \
    53 % of all runs may end in another way without one of these doing so; whatever the distribution, the median lies within \
    0.8000 and 0.9500 with a probability of 88 %";

#[test]
fn claims_are_written_with_their_numbers() {
    let judgements = evaluate(&results());
    assert_eq!(
        csv(&judgements),
        "claim,text,claim_verdict,evidence,check,measured,estimate,low,high,level,low_over_test_examples,\
         high_over_test_examples,n,points,left_out,verdict,why,cautions,probability_of_improvement,low_of_improvement,\
         high_of_improvement,runs_needed,settings,depends_on,smallest_estimate,largest_estimate,lowest,highest\n\
         1,\"Loss is <b>below</b> 1, \"\"always\"\"\",holds,true,1,mean of score: 0.8750; should lie within 0 and 1,0.875,\
         LOW,HIGH,0.95,,,4,,,holds,,\"CAUTION\",,,,5,,,,,,\n\
         2,Two things,doesn't hold,true,1,mean of score: 0.8750; should lie within 2 and 3,0.875,\
         WIDE,WIDER,0.975,,,4,,,doesn't hold,,\"CAUTION\",,,,3,,,,,,\n\
         2,Two things,doesn't hold,true,2,mean of score: 2; should lie within 0 and 1,2,,,,,,2,,1 without a finite value,\
         undecided,1 of 3 runs has no value: 1 without a finite value,,,,,,,,,,,\n"
            .replace("LOW", "0.772286987161974")
            .replace("HIGH", "0.977713012838026")
            .replace("WIDER", "1.0097970825318139")
            .replace("WIDE", "0.7402029174681861")
            .replace("CAUTION", CAUTION)
    );
    let json: serde_json::Value = serde_json::from_str(&json(&judgements)).unwrap();
    assert_eq!(json[1]["verdict"], "doesn't hold");
    assert_eq!(
        json[1]["checks"][1],
        serde_json::json!({
            "measured": "mean of score: 2; should lie within 0 and 1", "estimate": 2.0, "interval": null, "level": 0.95,
            "over_test_examples": null, "n": [2], "points": null, "cautions": [],
            "left_out": "1 without a finite value", "verdict": "undecided",
            "why": "1 of 3 runs has no value: 1 without a finite value",
            "probability_of_improvement": null, "runs_needed": null,
        })
    );
}

#[test]
fn the_report_has_the_claims_on_its_page_in_files_and_in_its_summary() {
    let (folder, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let summary = results().write(folder.path()).unwrap();
    results().write(again.path()).unwrap();
    let lines: Vec<String> = summary.claims.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["holds         Loss is <b>below</b> 1, \"always\"", "doesn't hold  Two things"]);
    let page = std::fs::read_to_string(&summary.page).unwrap();
    assert!(
        page.contains("Loss is &lt;b&gt;below&lt;/b&gt; 1, &quot;always&quot;") && !page.contains("<b>below")
    );
    assert!(page.contains("✓ holds") && page.contains("✗ doesn&#39;t hold") && page.contains("? undecided"));
    assert!(page.contains("Left out: 1 without a finite value"));
    assert!(
        page.contains("or fewer than 3 runs are there (5 for a rank correlation, and as many points where")
    );
    for file in ["claims.csv", "claims.json", "index.html"] {
        let read = |folder: &std::path::Path| std::fs::read(folder.join(file)).unwrap();
        assert_eq!(read(folder.path()), read(again.path()), "{file}");
    }
}

#[test]
fn claims_of_runs_that_diverged_failed_or_are_missing_say_so_on_the_page() {
    let mut runs = samples::functions(5);
    runs.extend(samples::images(5, 100));
    let folder = tempfile::tempdir().unwrap();
    let results = crate::tests::results_with_claims(runs, samples::claims());
    let page = std::fs::read_to_string(results.write(folder.path()).unwrap().page).unwrap();
    assert!(page.contains("Left out: of the second: 1 diverged, 1 missing"));
    assert!(
        page.contains("Left out: of the second: 1 failed")
            && page.contains("Left out: of the first: 1 failed")
    );
    assert!(page.contains("<th scope=\"rowgroup\" rowspan=\"2\">The shallower network beats the deeper<p>"));
}

#[test]
fn a_sweep_without_claims_says_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    // A file that another report left in the folder is no claim of this one.
    results().write(folder.path()).unwrap();
    assert!(folder.path().join("claims.csv").exists());
    let summary = Results { claims: Vec::new(), ..results() }.write(folder.path()).unwrap();
    assert!(summary.claims.is_empty());
    assert!(!folder.path().join("claims.csv").exists() && !folder.path().join("claims.json").exists());
    assert!(!std::fs::read_to_string(&summary.page).unwrap().contains("id=\"claims\""));
}

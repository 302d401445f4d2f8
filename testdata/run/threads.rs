//! However many threads work, the same command line and the same seed give the same bytes.

use std::process::Command;

/// Placement, what fits, rollouts and findings about a known cluster.
const LINES: [&str; 6] = [
    "simulate placement testdata/rollout/web.yaml --cluster testdata/captured/cluster.yaml --format json",
    "simulate placement testdata/rollout/web.yaml --cluster testdata/captured/cluster.yaml --seed 7",
    "simulate capacity testdata/rollout/web.yaml --cluster testdata/captured/cluster.yaml",
    "simulate rollout testdata/rollout/web-v2.yaml --from testdata/rollout/web.yaml --seed 7 --events --format json",
    "simulate rollout testdata/rollout/web-v2.yaml --from testdata/rollout/web.yaml --format html",
    "lint testdata/rollout/web.yaml testdata/rollout/no-room.yaml --cluster 3x4cpu,16Gi --format json",
];

#[test]
fn threads_do_not_change_an_answer() {
    for line in LINES {
        let with = |threads: &str| {
            let run = Command::new(env!("CARGO_BIN_EXE_kval"))
                .args(line.split(' '))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .env("NO_COLOR", "1")
                .env("RAYON_NUM_THREADS", threads)
                .output()
                .expect("kval runs");
            assert_ne!(run.status.code(), Some(2), "{line}: {}", String::from_utf8_lossy(&run.stderr));
            (run.status.code(), run.stdout)
        };
        let one = with("1");
        assert!(!one.1.is_empty(), "{line}");
        assert!(["2", "8"].into_iter().all(|threads| with(threads) == one), "{line}");
    }
}

/// Whether values fit a large schema is worked out while the chart is rendered, and counts before what comes of that.
#[test]
fn threads_do_not_change_what_schemas_say() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large-schema");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    let many: String = (0..200).map(|n| format!(r#""p{n}": {{"type": "string", "description": "{}"}}, "#, "x".repeat(100))).collect();
    let other = folder.join("other.json");
    let schema = format!(
        r#"{{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {{{many}"a": {{"type": "object"}},
            "file": {{"$ref": "file://{}"}}, "urn": {{"$ref": "urn:x:y"}}}}}}"#,
        other.display()
    );
    write("Chart.yaml", "apiVersion: v2\nname: large\nversion: 0.1.0\nkubeVersion: '>=1.20'\n");
    write("values.yaml", "a: {}\n");
    write("values.schema.json", &schema);
    write("other.json", r#"{"type": "integer"}"#);
    write("templates/a.yaml", "a: {{ .Values.a.b.c }}\n");
    let unfit = "values don't meet the specifications of the schema(s)";
    for (set, expected) in [
        ("a.b.c=1", Ok("a: 1\n")),
        ("a.b.c=1,file=2,urn=3", Ok("a: 1\n")),
        ("a=1", Err(unfit)),
        ("a.b.c=1,p7=7", Err(unfit)),
        ("a.b.c=1,file=x", Err(unfit)),
        ("x=1", Err("nil pointer evaluating")),
        ("a=1 --kube-version=1.19", Err(unfit)),
        ("a.b.c=1 --kube-version=1.19", Err("chart requires kubeVersion")),
    ] {
        let with = |threads: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kval"));
            command.args(["template", "r", "--debug"]).arg(&folder).arg("--set").args(set.split(' '));
            let run = command.env("NO_COLOR", "1").env("RAYON_NUM_THREADS", threads).output().expect("kval runs");
            let [out, told] = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            (run.status.success(), out, told)
        };
        let one = with("1");
        assert_eq!(one.0, expected.is_ok(), "{set}: {}", one.2);
        match expected {
            Ok(text) => assert!(one.1.ends_with(text), "{set}: {}", one.1),
            Err(sentence) => assert!(one.2.contains(sentence), "{set}: {}", one.2),
        }
        assert_eq!(one, with("2"), "{set}");
    }
}

/// A large archive is unpacked while the command line is read, by another thread where there is one.
#[test]
fn threads_do_not_change_what_an_archive_holds() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large-archive");
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    };
    let mut state = 1_u64;
    let mut noise = |count: usize| -> String {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state ^ (state >> 29))
        };
        (0..count / 16).map(|_| next()).collect()
    };
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: a\n";
    write("c/Chart.yaml", b"apiVersion: v2\nname: c\nversion: 0.1.0\n");
    write("c/values.yaml", b"a: 1\nlist: [1, 2]\n");
    write("c/crds/a.yaml", format!("{crd}# {}\n", noise(40_000)).as_bytes());
    write("c/files/a.txt", noise(40_000).as_bytes());
    write("c/README.md", noise(4_000).as_bytes());
    for i in 0..20 {
        let text = format!(
            "{{{{/* {} */}}}}\na{i}: {{{{ .Values.a }}}}\nfile: {{{{ .Files.Get \"files/a.txt\" | sha256sum }}}}\nreadme: {{{{ .Files.Get \"README.md\" | sha256sum }}}}\nrandom: {{{{ randAlpha 9 }}}}\n",
            noise(2_000)
        );
        write(&format!("c/templates/t{i}.yaml"), text.as_bytes());
    }
    let kval = |args: &[&str], threads: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kval"));
        command.args(args).current_dir(&folder).env("NO_COLOR", "1").env_remove("RAYON_NUM_THREADS");
        let run = command.envs(threads.map(|threads| ("RAYON_NUM_THREADS", threads))).output().expect("kval runs");
        let [out, told] = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (run.status.code(), out, told)
    };
    let made = kval(&["package", "c"], None);
    assert_eq!(made.0, Some(0), "{}", made.2);
    let whole = std::fs::read(folder.join("c-0.1.0.tgz")).expect("the archive");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2..][..500].fill(0xff);
    write("cut.tgz", &whole[..whole.len() / 2]);
    write("flipped.tgz", &flipped);
    write("text.tgz", noise(40_000).as_bytes());
    write("plain.tgz", "a: 1\n".repeat(10_000).as_bytes());
    for line in [
        "c-0.1.0.tgz",
        "./c-0.1.0.tgz --include-crds",
        "c-0.1.0.tgz --include-crds=true",
        "c-0.1.0.tgz --include-crds=false",
        "--helm-compat 3 c-0.1.0.tgz",
        "c-0.1.0.tgz --set a=2 --keep-going",
        "c-0.1.0.tgz -s templates/t3.yaml",
        "c-0.1.0.tgz -f plain.tgz",
        "c -f c-0.1.0.tgz",
        "c-0.1.0.tgz --no-such-flag",
        "cut.tgz",
        "cut.tgz --include-crds",
        "flipped.tgz",
        "text.tgz",
        "absent.tgz",
    ] {
        let args: Vec<&str> = ["template", "r", "--seed", "7"].into_iter().chain(line.split(' ')).collect();
        let one = kval(&args, Some("1"));
        assert_eq!(one, kval(&args, Some("2")), "{line}");
        assert_eq!(one, kval(&args, None), "{line}");
        let fine = !["c -f", "flag", "cut", "flipped", "text", "absent"].iter().any(|word| line.contains(word));
        assert_eq!((one.0 == Some(0), one.1.is_empty()), (fine, !fine), "{line}: {}", one.2);
        let all = line.contains("crds") && !line.contains("false");
        assert_eq!(one.1.contains("CustomResourceDefinition"), all && fine, "{line}");
        if fine && !line.contains("set") && !line.contains("-f") {
            let of_folder: Vec<&str> = args.iter().map(|arg| if arg.ends_with(".tgz") { "c" } else { arg }).collect();
            assert_eq!(one.1, kval(&of_folder, None).1, "{line}");
        }
    }
}

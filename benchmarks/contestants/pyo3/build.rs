fn main() {
    let folder = std::env::var("HCSBENCH_FOLDER").expect("HCSBENCH_FOLDER is the folder of the native library");
    println!("cargo:rerun-if-env-changed=HCSBENCH_FOLDER");
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
}

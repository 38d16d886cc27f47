// swift-tools-version: 6.2
// Targets from the foundations upwards: a target may depend only on targets above it here.
import PackageDescription

/// With FUZZ=1 in the environment the whole package is built for libFuzzer and the address sanitizer; give
/// such a build a path of its own (`--build-path .build-fuzz`).
let isFuzzing = Context.environment["FUZZ"] == "1"
let fuzzing: [SwiftSetting] = isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address"])] : []

/// Settings of every target: explicit existentials, visible imports, unsafe code is an error unless marked.
let common: [SwiftSetting] =
  fuzzing + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
    .treatWarning("StrictMemorySafety", as: .error),
  ]

/// Engine rooms are optimised in debug builds too, so that tests run the real kernels at real speed.
let optimised: [SwiftSetting] = common + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// Kernels are unsafe throughout by declaration: their expressions are not marked.
let kernelTests: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Always whole-module: vector helpers inline across files.
let kernelCommon: [SwiftSetting] =
  kernelTests + [
    .unsafeFlags(
      ["-O", "-disable-batch-mode", "-wmo", "-num-threads", "2"], .when(configuration: .debug))
  ]
#if arch(x86_64)
  let avx2: [SwiftSetting] = kernelCommon + [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])]
  let avx512: [SwiftSetting] =
    kernelCommon + [
      .define("KERNELS_AVX512"),
      .unsafeFlags(["-Xcc", "-march=x86-64-v4", "-Xcc", "-mavx512vnni", "-Xcc", "-mavx512bf16"]),
    ]
#else
  let avx2 = kernelCommon
  let avx512 = kernelCommon + [.define("KERNELS_AVX512")]
#endif

func room(_ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = common)
  -> Target
{
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: common)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "meshdecode",
  products: [
    // For engines that bring their own scheduler, block allocator and sampler.
    .library(name: "MeshDecoding", targets: ["MeshDecoding"])
  ],
  dependencies: [
    // Command line: parsing, help, nearest-flag suggestions, shell completion.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Settings files: typed YAML nodes with line numbers; meshes and drills are trees, not flat keys.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    room("Parsing", [], optimised + [.enableExperimentalFeature("Lifetimes")]),
    room("Tensors", [], optimised + [.enableExperimentalFeature("Lifetimes")]),
    room("Topology"),
    room("ModelConfigs", ["Parsing", "Tensors", "Topology"]),
    room("Planning", ["Parsing", "Tensors", "Topology", "ModelConfigs"]),
    .target(name: "CIntrinsics"),
    .target(name: "CLinux"),
    room("Kernels", ["Tensors", "CIntrinsics"], avx2),
    .target(
      name: "KernelsAVX512", dependencies: ["Tensors", "CIntrinsics"], exclude: ["Reference"],
      swiftSettings: avx512),
    room(
      "Checkpoints", ["Parsing", "Tensors", "Kernels"],
      optimised + [.enableExperimentalFeature("Lifetimes")]),
    room("Compute", ["Tensors", "Kernels", "KernelsAVX512", "CIntrinsics", "CLinux"], optimised),
    // Regular expressions of tokenizer files: Unicode classes, lookahead, and a just-in-time compiler.
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    room("Tokenization", ["Parsing", "CPCRE2"], optimised),
    room("KVCaching", [], optimised),
    room("Wire", ["KVCaching", "Parsing"], optimised),
    // Without pkgConfig: libzmq.pc names include paths of its private dependencies, which SwiftPM warns
    // about.
    .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
    room(
      "Transport", ["Wire", "Compute", "CLinux", "CZeroMQ"],
      optimised + [.enableExperimentalFeature("Lifetimes")]),
    room("Collectives", ["Compute", "Parsing", "Topology", "Wire", "Transport"], optimised),
    room("Layers", ["Tensors", "Topology", "Compute"]),
    room("Models", ["ModelConfigs", "Layers", "Compute", "Tensors", "Topology"]),

    // The core: decisions, pure values. Optimised in debug builds too, for thousands of simulated runs.
    room("Scheduling", ["KVCaching", "Wire"], optimised),
    room("Sampling", ["Wire"], optimised),
    room("Coordination", ["Scheduling", "Topology", "Wire"], optimised),
    room(
      "WorkerRuntime",
      [
        "Models", "ModelConfigs", "Layers", "Checkpoints", "Sampling", "Compute", "Tensors", "Topology",
        "KVCaching",
        "Wire", "Parsing", "Transport", "Collectives",
      ], optimised),

    // The edge: settings, launching, the command line.
    room("Settings"),
    room("ConfigFiles", ["Settings", yams]),
    .target(name: "CProcesses"),
    room("Launching", ["CProcesses"]),
    room("Presentation"),
    // What must outlive the coordinator's process.
    room("Journaling", ["Scheduling", "Wire", "Parsing", "Compute"], optimised),
    room(
      "Preflight",
      [
        "Checkpoints", "Compute", "Launching", "Parsing", "Presentation", "Transport", "Wire",
        "WorkerRuntime",
      ]),
    room(
      "Engine",
      [
        "Coordination", "Journaling", "Launching", "WorkerRuntime", "Models", "ModelConfigs", "Layers",
        "Compute",
        "Scheduling",
        "Tensors", "Topology", "Transport", "Parsing", "Wire",
      ]),
    room(
      "Workloads",
      [
        "Collectives", "Compute", "Engine", "Journaling", "Models", "Planning", "Presentation", "Scheduling",
        "Tensors", "Tokenization", "Topology", "Parsing", "Wire", "WorkerRuntime",
      ]),
    room(
      "RunSetup",
      [
        "Settings", "Parsing", "Tensors", "Topology", "ModelConfigs", "Planning", "Compute", "Coordination",
        "Launching", "Transport",
        "Engine", "WorkerRuntime", "Checkpoints", "Wire",
      ]),
    room(
      "MeshDecoding",
      [
        "Coordination", "Engine", "RunSetup", "Settings", "WorkerRuntime", "Checkpoints", "ModelConfigs",
        "Tensors", "Topology",
        "KVCaching", "Parsing", "Wire",
      ]),
    // Fault plans are trees in YAML, as settings are.
    room(
      "FaultDrills",
      [
        "Engine", "Coordination", "Journaling", "Scheduling", "Topology", "Transport", "Parsing", "Wire",
        "CLinux", yams,
      ]),
    .executableTarget(
      name: "meshdecode",
      dependencies: [
        "Settings", "ConfigFiles", "Topology", "FaultDrills", "Journaling", "Launching", "Preflight",
        "Presentation",
        "RunSetup",
        "Scheduling",
        "Parsing", "Planning", "Tensors",
        "Tokenization", "Collectives", "Coordination", "Engine", "Workloads", "WorkerRuntime", "Compute",
        "Wire", "Transport",
        argumentParser,
      ],
      resources: [.copy("Resources/tiny-qwen3-moe")], swiftSettings: common),

    // Tests; TestSupport is for all of them.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: common),
    tests("FaultDrillsTests", ["FaultDrills", "Wire"]),
    tests("SettingsTests", ["Settings", "ConfigFiles", "TestSupport"]),
    .executableTarget(
      name: "launching-probe", dependencies: ["Launching"], path: "Tests/LaunchingProbe",
      swiftSettings: common),
    tests("LaunchingTests", ["Launching", "launching-probe", "TestSupport"]),
    tests("PresentationTests", ["Presentation"]),
    tests("PreflightTests", ["Preflight", "Checkpoints", "Launching", "Transport", "Wire", "TestSupport"]),
    .testTarget(
      name: "TidyTests", dependencies: ["meshdecode", "Settings", "TestSupport"],
      exclude: ["Budgets", "Snapshots"], swiftSettings: optimised),
    tests("ClusterTests", ["meshdecode", "Parsing", "Transport", "Wire", "TestSupport"]),
    tests("CommandTests", ["meshdecode", "Settings", "Parsing", "TestSupport"]),

    tests("JournalingTests", ["Journaling", "Scheduling", "Wire", "Parsing", "TestSupport"]),
    tests("ParsingTests", ["Parsing"]),
    tests("TensorsTests", ["Tensors"]),
    tests("TopologyTests", ["Topology"]),
    tests(
      "PlanningTests", ["Planning", "Parsing", "Tensors", "Topology", "ModelConfigs", "TestSupport"],
      resources: [.copy("Fixtures")]),
    tests("KVCachingTests", ["KVCaching"]),
    tests("WireTests", ["Wire", "KVCaching", "Parsing"]),
    tests("TransportTests", ["Transport", "Wire", "TestSupport"]),
    tests("CollectivesTests", ["Collectives", "Transport", "Topology", "Wire", "TestSupport"]),
    tests("ModelConfigsTests", ["ModelConfigs", "Parsing", "Tensors"]),
    tests(
      "CheckpointsTests", ["Checkpoints", "ModelConfigs", "Parsing", "Tensors", "TestSupport"]),
    // A model of hashes behind fake workers: schedulers and coordinators are tested against it.
    .target(
      name: "SimulationSupport", dependencies: ["Wire", "KVCaching"], path: "Tests/SimulationSupport",
      swiftSettings: optimised),
    tests("SamplingTests", ["Sampling", "Wire"]),
    tests("CoordinationTests", ["Coordination", "Scheduling", "Topology", "Wire"]),
    tests(
      "SimulationTests", ["Coordination", "Scheduling", "SimulationSupport", "Topology", "Wire"]),
    tests("SchedulingTests", ["Scheduling", "SimulationSupport", "Wire", "KVCaching"]),
    tests(
      "GoldenTests",
      [
        "WorkerRuntime", "Models", "Compute", "Collectives", "Transport", "KVCaching", "Wire", "Topology",
        "Tensors", "Parsing", "ModelConfigs", "Workloads", "TestSupport",
      ], exclude: ["Fixtures"]),
    .executableTarget(
      name: "engine-example", dependencies: ["MeshDecoding"], path: "Tests/Examples/EngineExample",
      swiftSettings: common),
    tests(
      "MeshDecodingTests", ["MeshDecoding", "meshdecode", "engine-example", "Parsing", "TestSupport"]),
    // Ranks as threads of a process whose every allocation is counted; see `Probe`.
    .target(name: "CMallocCount", path: "Tests/CMallocCount"),
    .executableTarget(
      name: "allocation-probe",
      dependencies: [
        "CMallocCount", "Collectives", "Compute", "KVCaching", "Models", "Parsing", "Tensors", "TestSupport",
        "Topology", "Transport", "Wire", "WorkerRuntime",
      ], path: "Tests/AllocationProbe", swiftSettings: optimised),
    tests("AllocationTests", ["allocation-probe", "TestSupport"], exclude: ["Thresholds"]),
    tests("TokenizationTests", ["Tokenization", "Parsing"], resources: [.copy("Fixtures")]),
    .executableTarget(
      name: "tokenizer-timing", dependencies: ["Tokenization"], path: "Tests/Benchmarks/TokenizerComparison",
      exclude: ["README.md", "compare.py"], swiftSettings: common),
    tests("ComputeTests", ["Compute"]),
    .testTarget(
      name: "KernelsTests", dependencies: ["Compute", "Kernels", "Tensors", "Topology"],
      swiftSettings: kernelTests),
  ]
)

// Fuzzers of everything that reads bytes from outside, one folder each; see `fuzzing` above.
if isFuzzing {
  func fuzzer(_ parser: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
      name: "Fuzz\(parser)", dependencies: dependencies + ["FuzzSupport"], path: "Tests/Fuzz/\(parser)",
      swiftSettings: common, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])
  }
  package.targets += [
    .target(name: "FuzzSupport", path: "Tests/Fuzz/Support", swiftSettings: common),
    fuzzer("JSON", ["Parsing"]),
    fuzzer("Journal", ["Journaling", "Wire"]),
    fuzzer("Safetensors", ["Checkpoints"]),
    fuzzer("Template", ["Parsing", "Tokenization"]),
    fuzzer("Tokenizer", ["Tokenization", "Parsing"]),
  ]
}

// swift-tools-version: 6.2
// Targets from the foundations upwards: a target may depend only on targets above it here.
import PackageDescription

/// Settings of every target: explicit existentials, visible imports, unsafe code is an error unless marked.
let common: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatWarning("StrictMemorySafety", as: .error),
]

/// Engine rooms are optimised in debug builds too, so that tests run the real kernels at real speed.
let optimised: [SwiftSetting] = common + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func room(_ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = common)
  -> Target
{
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: common)
}

let package = Package(
  name: "meshdecode",
  dependencies: [],
  targets: [
    room("Parsing", [], optimised + [.enableExperimentalFeature("Lifetimes")]),
    room("Tensors", [], optimised + [.enableExperimentalFeature("Lifetimes")]),
    room("Topology"),
    // Regular expressions of tokenizer files: Unicode classes, lookahead, and a just-in-time compiler.
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    room("Tokenization", ["Parsing", "CPCRE2"], optimised),
    room("KVCaching"),
    room("Wire", ["KVCaching", "Parsing"]),

    tests("ParsingTests", ["Parsing"]),
    tests("TensorsTests", ["Tensors"]),
    tests("TopologyTests", ["Topology"]),
    tests("KVCachingTests", ["KVCaching"]),
    tests("WireTests", ["Wire", "KVCaching", "Parsing"]),
    tests("TokenizationTests", ["Tokenization", "Parsing"]),
  ]
)

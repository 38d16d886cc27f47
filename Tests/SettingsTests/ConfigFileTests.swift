import ConfigFiles
import Foundation
import Settings
import TestSupport
import Testing

@Suite struct ConfigFileTests {
  private func settings(_ text: String) throws -> EngineSettings {
    var settings = EngineSettings()
    try ConfigFile(text: text, path: "run.yaml").apply(to: &settings)
    return settings
  }

  @Test func keysAliasesListsAndTreesAreTaken() throws {
    let read = try settings(
      """
      tp: 2
      expert_parallel_size: 4
      stop: ["\\n", END]
      stop_token_ids: [1, 2]
      ignore_eos: yes
      temperature: 0.5
      enable_prefix_caching: false
      additional_config:
        sharding:
          sharding_strategy: {enable_dp_attention: true, attn_dp_size: 2, name: "a\\"b"}
      """)
    #expect(read.mesh.tensorParallelSize == 2)
    #expect(read.mesh.expertParallelSize == 4)
    #expect(read.sampling.stop == ["\n", "END"])
    #expect(read.sampling.stopTokenIDs == [1, 2])
    #expect(read.sampling.ignoreEOS)
    #expect(read.sampling.temperature == 0.5)
    #expect(!read.scheduler.enablePrefixCaching)
    #expect(
      read.mesh.additionalConfig
        == #"{"sharding": {"sharding_strategy": {"enable_dp_attention": true, "attn_dp_size": 2, "#
        + #""name": "a\"b"}}}"#
    )
  }

  @Test func emptyFilesAndUnsetValuesKeepDefaults() throws {
    #expect(try settings("") == EngineSettings())
    #expect(try settings("# nothing\n") == EngineSettings())
    #expect(try settings("tp:\nmodel: ~\n") == EngineSettings())
  }

  @Test(arguments: [
    (
      "tensor_paralel_size: 2",
      "line 1: there is no setting 'tensor_paralel_size'; did you mean 'tensor_parallel_size'?"
    ),
    ("seed: 1\nbanana: 2", "line 2: there is no setting 'banana'; configs/base.yaml lists all of them."),
    ("tp: 2\ntensor_parallel_size: 3", "line 2: 'tensor_parallel_size' is set twice"),
    ("tp: [1, 2]", "line 1: 'tensor_parallel_size' takes 1 to 1024, not a nested value"),
    ("seed: 1\ntp: 0", "line 2: --tensor-parallel-size cannot be '0'"),
    ("- tp", "must be one mapping"),
    ("tp: {", "is not YAML: line"),
    ("? [a]\n: b", "a key must be a plain word"),
    ("tp: *nowhere", "is not YAML"),
    ("hf_overrides: hello", "--hf-overrides cannot be 'hello'; give a JSON object."),
  ])
  func badFilesAreRefusedWithTheLine(text: String, words: String) throws {
    let error = #expect(throws: SettingsError.self) { try settings(text) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "accepted")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test func explodingAndDeepDocumentsAreRefused() throws {
    var bomb = "additional_config:\n  a0: &a0 {x: 1}\n"
    for level in 1...30 {
      bomb +=
        "  a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
    }
    #expect(throws: SettingsError.self) { try settings(bomb) }
    #expect(throws: SettingsError.self) { try settings(String(repeating: "[", count: 60_000)) }
    #expect(throws: SettingsError.self) { try settings(String(repeating: "a: {", count: 900)) }
  }

  @Test func filesAreBoundedAndNamed() throws {
    try withTemporaryDirectory { directory in
      let missing = directory.appendingPathComponent("missing.yaml").path
      let absent = #expect(throws: SettingsError.self) { try ConfigFile(path: missing) }
      #expect(absent?.description.contains("missing.yaml cannot be read") == true)
      let large = directory.appendingPathComponent("large.yaml")
      try Data(repeating: 35, count: ConfigFile.maxBytes + 1).write(to: large)
      let tooLarge = #expect(throws: SettingsError.self) { try ConfigFile(path: large.path) }
      #expect(tooLarge?.description.contains("larger than") == true)
      #expect(throws: SettingsError.self) { try ConfigFile(path: directory.path) }
      let binary = directory.appendingPathComponent("binary.yaml")
      try Data([0x74, 0xFF, 0xFE]).write(to: binary)
      #expect(throws: SettingsError.self) { try ConfigFile(path: binary.path) }
    }
  }

  @Test func baseFileIsTheCatalogueAndItsValuesAreTheDefaults() throws {
    let file = Fixtures.packageRoot.appendingPathComponent("configs/base.yaml")
    let rendered = SettingsCatalogue.baseYAML()
    if ProcessInfo.processInfo.environment["MESHDECODE_RECORD"] != nil {
      try rendered.write(to: file, atomically: true, encoding: .utf8)
    }
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text == rendered, "run this test with MESHDECODE_RECORD=1 to write the file anew")
    #expect(try settings(text) == EngineSettings())
  }
}

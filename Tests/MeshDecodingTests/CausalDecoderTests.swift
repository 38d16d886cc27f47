import Foundation
import MeshDecoding
import Parsing
import TestSupport
import Testing

/// The reference models of the golden tests, and what `logits` says of them.
private enum Model {
  static func directory(_ name: String) -> String {
    Fixtures.packageRoot.appendingPathComponent("Tests/GoldenTests/Fixtures/models/\(name)").path
  }

  static func configuration(
    _ name: String, tp: Int = 1, ep: Int = 1, attnDP: Int = 1
  ) -> DecoderConfiguration {
    var configuration = DecoderConfiguration()
    configuration.model = directory(name)
    configuration.cacheDType = "float32"
    configuration.maxModelLength = 128
    configuration.maxSequences = 8
    configuration.maxBatchedTokens = 64
    configuration.workerExecutable = ProcessHarness.executable.path
    configuration.tensorParallelSize = tp
    configuration.expertParallelSize = ep
    configuration.attentionDataParallelSize = attnDP
    return configuration
  }

  /// Last-position logits of the `logits` command on one rank.
  static func logits(_ name: String, prompts: [[Int32]]) async throws -> [[Float]] {
    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("prompts.jsonl")
      let lines = prompts.map { "{\"prompt_token_ids\": [\($0.map(String.init).joined(separator: ","))]}\n" }
      try Data(lines.joined().utf8).write(to: file)
      let target = directory.appendingPathComponent("logits.safetensors")
      let outcome = try await ProcessHarness.run([
        "logits", "--model", Self.directory(name), "--kv-cache-dtype", "f32", "--prompts-file", file.path,
        "--save-to", target.path,
      ])
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      let bytes = [UInt8](try Data(contentsOf: target))
      let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
      let header = try JSONReader.parse(Array(bytes[8..<8 + length]))
      return try prompts.indices.map { index in
        let offsets = try #require(header["logits.\(index)"]?["data_offsets"]?.array)
        let range = offsets.compactMap(\.int)
        let data = bytes[8 + length + range[0]..<8 + length + range[1]]
        return stride(from: data.startIndex, to: data.endIndex, by: 4).map { start in
          Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(data[start + $1]) << (8 * UInt32($1)) })
        }
      }
    }
  }
}

/// Whole prompts, each in blocks of its own.
private func input(_ prompts: [[Int32]], blockSize: Int = 16) -> StepInput {
  var input = StepInput.empty
  var block: Int32 = 0
  for prompt in prompts {
    input.tokenIDs += prompt
    input.positions += prompt.indices.map { Int32($0) }
    let count = Int32((prompt.count + blockSize - 1) / blockSize)
    input.blockTables.append(Array((block..<block + count).reversed()))
    block += count
    input.sequenceLengths.append(Int32(prompt.count))
    input.queryStarts.append(Int32(input.tokenIDs.count))
  }
  return input
}

private let prompts: [[Int32]] = [
  Array(3..<21), [7], Array((40..<60).reversed()), [9, 9, 12],
]

@Suite("The interface for other engines", .serialized)
struct CausalDecoderTests {
  private func bits(_ values: some Sequence<Float>) -> [UInt32] { values.map(\.bitPattern) }

  @Test(
    "the same bits as the logits command, on any mesh",
    arguments: [("llama-gqa", 1, 1), ("llama-gqa", 3, 1), ("glm4-moe", 2, 2), ("gemma3-text", 2, 1)])
  func sameBits(name: String, tp: Int, ep: Int) async throws {
    let expected = try await Model.logits(name, prompts: prompts)
    let decoder = try CausalDecoder(Model.configuration(name, tp: tp, ep: ep))
    try decoder.load()
    defer { decoder.close() }
    let input = input(prompts)
    let hidden = try decoder.step(input).hidden
    #expect(hidden.rows == input.tokenIDs.count && hidden.columns == decoder.facts.hiddenSize)
    let last = input.queryStarts.dropFirst().map { Int($0) - 1 }
    let logits = try decoder.logits(hidden.picking(last))
    for index in prompts.indices { #expect(bits(logits[index]) == bits(expected[index]), "prompt \(index)") }
    // The same prompts cut into two steps.
    var first = StepInput.empty
    var second = StepInput.empty
    for (index, prompt) in prompts.enumerated() {
      let cut = prompt.count / 2
      for (part, range) in [(0, 0..<cut), (1, cut..<prompt.count)] {
        var step = part == 0 ? first : second
        step.tokenIDs += prompt[range]
        step.positions += range.map { Int32($0) }
        step.blockTables.append(input.blockTables[index])
        step.sequenceLengths.append(Int32(range.isEmpty ? 0 : range.upperBound))
        step.queryStarts.append(Int32(step.tokenIDs.count))
        if part == 0 { first = step } else { second = step }
      }
    }
    _ = try decoder.step(first)
    let again = try decoder.step(second).hidden
    let tails = second.queryStarts.dropFirst().map { Int($0) - 1 }
    #expect(bits(try decoder.logits(again.picking(tails)).values) == bits(logits.values))
  }

  @Test("attention groups, auxiliary hidden states, expert indices and embeddings")
  func everythingOnRequest() async throws {
    var configuration = Model.configuration("qwen2-moe", ep: 2, attnDP: 2)
    configuration.keepsAuxiliaryHiddenStates = true
    let decoder = try CausalDecoder(configuration)
    try decoder.load()
    try decoder.load()
    defer { decoder.close() }
    #expect(decoder.facts.numAttentionGroups == 2 && decoder.facts.worldSize == 4)
    let layers = decoder.facts.numLayers
    let request = StepRequest(auxiliaryLayers: [0, 2, layers], expertIndices: true)
    let whole = try decoder.step([input(prompts), .empty], request)
    #expect(whole[1].hidden.rows == 0)
    #expect(whole[0].auxiliary.count == 3 && whole[0].auxiliary[2] == whole[0].hidden)
    #expect(whole[0].auxiliary[0] == (try decoder.embed(prompts.flatMap { $0 })))
    // Layer 2 is dense.
    #expect(whole[0].expertIndices.keys.sorted() == [0, 1, 3])
    #expect(
      whole[0].expertIndices.values.allSatisfy { rows in
        rows.count == whole[0].hidden.rows
          && rows.allSatisfy { Set($0).count == 2 && $0.allSatisfy { 0..<7 ~= $0 } }
      })
    // The same sequences spread over both groups.
    let spread = try decoder.step(
      [input(Array(prompts[..<2])), input(Array(prompts[2...]))], StepRequest(expertIndices: true))
    #expect(bits(spread[0].hidden.values + spread[1].hidden.values) == bits(whole[0].hidden.values))
    for layer in [0, 1, 3] {
      #expect(
        spread.flatMap { $0.expertIndices[layer] ?? [] } == whole[0].expertIndices[layer], "layer \(layer)")
    }
    let table = try decoder.inputEmbeddings()
    #expect(table.rows == decoder.facts.vocabularySize)
    #expect(table.picking([9]) == (try decoder.embed([9])))
  }

  @Test("dummy weights of a configuration alone, with vLLM's sharding strategy")
  func dummyWeights() throws {
    let config = try String(
      contentsOfFile: Model.directory("qwen3-moe") + "/config.json", encoding: .utf8)
    func decoder(_ additional: String, tp: Int) throws -> CausalDecoder {
      var configuration = try DecoderConfiguration(
        vLLM: """
          {"load_format": "dummy", "seed": 7, "tensor_parallel_size": \(tp), "hf_config": \(config),
           "additional_config": \(additional), "max_model_len": 64, "kv_cache_dtype": "float32"}
          """)
      configuration.workerExecutable = ProcessHarness.executable.path
      return try CausalDecoder(configuration)
    }
    let single = try decoder("{}", tp: 1)
    let sharded = try decoder(
      #"{"sharding": {"sharding_strategy": {"enable_dp_attention": true, "attn_dp_size": 2}}}"#, tp: 2)
    #expect(sharded.facts.numAttentionGroups == 2)
    try single.load()
    try sharded.load()
    defer {
      single.close()
      sharded.close()
    }
    let alone = try single.step(input([[4, 5, 6]])).hidden
    let there = try sharded.step([.empty, input([[4, 5, 6]])])[1].hidden
    #expect(bits(alone.values) == bits(there.values))
    #expect(try single.embed([4]) == sharded.embed([4]))
  }

  @Test("what comes before load, and what does not fit, is refused in one sentence")
  func refusals() throws {
    let decoder = try CausalDecoder(Model.configuration("llama-gqa"))
    for call in [
      { _ = try decoder.step(input([[1]])) }, { _ = try decoder.embed([1]) },
      { _ = try decoder.inputEmbeddings() },
      { _ = try decoder.logits(RowMatrix(rows: 0, columns: 128, values: [])) },
    ] as [() throws -> Void] {
      #expect { try call() } throws: {
        ($0 as? DecoderError)?.kind == .notLoaded && "\($0)".contains("call load")
      }
    }
    try decoder.load()
    defer { decoder.close() }
    func refused(_ change: (inout StepInput) -> Void, _ words: String) {
      var wrong = input([[1, 2, 3]])
      change(&wrong)
      #expect {
        try decoder.step(wrong)
      } throws: {
        ($0 as? DecoderError)?.kind == .input && "\($0)".contains(words)
      }
    }
    refused({ $0.tokenIDs[0] = 512 }, "outside the vocabulary")
    refused({ $0.positions[2] = 7 }, "position 7 where 2 follows")
    refused({ $0.sequenceLengths = [2] }, "its length must be")
    refused({ $0.blockTables = [[]] }, "needs 1 blocks")
    refused({ $0.blockTables = [[9999]] }, "needs 1 blocks")
    refused({ $0.queryStarts = [0, 2] }, "do not belong together")
    #expect {
      try decoder.step(input([[1]]), StepRequest(auxiliaryLayers: [0]))
    } throws: {
      "\($0)".contains("keepsAuxiliaryHiddenStates")
    }
    #expect {
      try decoder.logits(RowMatrix(rows: 1, columns: 3, values: [0, 0, 0]))
    } throws: {
      "\($0)".contains("3 columns")
    }
    // Still there.
    #expect(try decoder.step(input([[1, 2, 3]])).hidden.rows == 3)
  }

  @Test("a configuration that cannot be run starts nothing")
  func badConfigurations() throws {
    func refused(_ text: String, _ words: String) {
      #expect {
        try CausalDecoder(DecoderConfiguration(vLLM: text))
      } throws: {
        ($0 as? DecoderError)?.kind == .configuration && "\($0)".contains(words)
      }
    }
    let worker = ProcessHarness.executable.path
    refused("[]", "must hold an object")
    refused("{}", "neither model nor hf_config")
    refused(#"{"model": "/no/such", "worker_executable": "\#(worker)"}"#, "does not exist")
    refused(#"{"modle": "x"}"#, "'modle' is not known")
    refused(#"{"data_parallel_size": 2}"#, "one decoder for each replica")
    refused(#"{"load_format": "gguf"}"#, "auto, safetensors or dummy")
    let model = Model.directory("llama-gqa")
    refused(
      #"{"model": "\#(model)", "tensor_parallel_size": 9, "worker_executable": "\#(worker)"}"#,
      "8 query heads")
    refused(#"{"model": "\#(model)", "block_size": 7}"#, "--block-size cannot be '7'")
    refused(#"{"model": "\#(model)", "worker_executable": "/no/such"}"#, "no executable file")
  }

  @Test("a rank that dies is a failure that names it, nothing is left, and the decoder can be loaded anew")
  func deadRank() throws {
    try withTemporaryDirectory { directory in
      // A name of its own, by which this test finds its workers among those of all others.
      let executable = directory.appendingPathComponent("meshdecode")
      try FileManager.default.createSymbolicLink(
        at: executable, withDestinationURL: ProcessHarness.executable)
      var configuration = Model.configuration("llama-gqa", tp: 2)
      configuration.workerExecutable = executable.path
      let decoder = try CausalDecoder(configuration)
      try decoder.load()
      defer { decoder.close() }
      let before = try decoder.step(input(prompts)).hidden
      let workers = Leaks.workers(mentioning: executable.path)
      #expect(workers.count == 2)
      let victim = try #require(workers.first { $0.rank == 1 })
      kill(victim.processID, SIGKILL)
      let error = #expect(throws: DecoderError.self) { _ = try decoder.step(input(prompts)) }
      #expect(error?.kind == .failure && error?.description.contains("rank 1") == true, "\(error as Any)")
      decoder.close()
      #expect(Leaks.workers(mentioning: executable.path).isEmpty)
      try decoder.load()
      #expect(bits(try decoder.step(input(prompts)).hidden.values) == bits(before.values))
    }
  }

  @Test("the example decodes the same tokens on two meshes")
  func example() async throws {
    let example = ProcessHarness.executable.deletingLastPathComponent().appendingPathComponent(
      "engine-example")
    var texts: [String] = []
    for mesh in [["1", "1"], ["2", "2"]] {
      let outcome = try await ProcessHarness.run(
        [Model.directory("mixtral")] + mesh + [ProcessHarness.executable.path], executable: example)
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      texts.append(outcome.standardOutput)
    }
    #expect(texts[0] == texts[1])
    #expect(texts[0].split(separator: "\n").map { $0.split(separator: " ").count } == [8, 8, 8])
  }
}

import Foundation
import Parsing
import TestSupport
import Testing
import Transport
import Wire

@testable import Preflight

@Suite struct FingerprintTests {
  private static let model = Fixtures.packageRoot.appendingPathComponent(
    "Tests/GoldenTests/Fixtures/models/llama-gqa")

  private static func withCopy(_ body: (URL) throws -> Void) throws {
    try withTemporaryDirectory { (folder: URL) throws in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(at: model, to: copy)
      try body(copy)
    }
  }

  @Test func copiesAreTheSameAndChangesAreSeen() throws {
    try Self.withCopy { copy in
      let original = CheckpointFingerprint.take(of: Self.model.path, full: false)
      #expect(original.problem == nil && original.missing == [] && original.files.count >= 6)
      #expect(CheckpointFingerprint.take(of: copy.path, full: false).files == original.files)
      #expect(CheckpointFingerprint(original.json) == original)
      // A flipped bit of a weight is not in the header: only the whole file tells.
      let part = copy.appendingPathComponent("model-00002-of-00004.safetensors")
      var bytes = try Data(contentsOf: part)
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: part)
      #expect(CheckpointFingerprint.take(of: copy.path, full: false).files == original.files)
      let full = CheckpointFingerprint.take(of: Self.model.path, full: true)
      let changed = CheckpointFingerprint.take(of: copy.path, full: true)
      let names = zip(full.files, changed.files).filter { $0 != $1 }.map(\.0.name)
      #expect(names == ["model-00002-of-00004.safetensors"])
    }
  }

  @Test func missingFilesAreListed() throws {
    try Self.withCopy { copy in
      try FileManager.default.removeItem(at: copy.appendingPathComponent("model-00003-of-00004.safetensors"))
      let seen = CheckpointFingerprint.take(of: copy.path, full: false)
      #expect(seen.missing == ["model-00003-of-00004.safetensors"])
      try FileManager.default.removeItem(at: copy)
      #expect(
        CheckpointFingerprint.take(of: copy.path, full: false).problem?.contains("does not exist") == true)
    }
  }

  @Test func aTornHeaderIsAProblem() throws {
    try Self.withCopy { copy in
      try Data([255, 255, 255, 255, 255, 255, 255, 255, 1]).write(
        to: copy.appendingPathComponent("model-00001-of-00004.safetensors"))
      #expect(CheckpointFingerprint.take(of: copy.path, full: false).problem != nil)
    }
  }
}

@Suite struct LinkProbeTests {
  @Test func figuresComeFromRealSockets() async throws {
    let epoch = Epoch(rawValue: 1)
    let context = try ZMQContext(security: .encrypted(try CurveKeys.generate()))
    let other = try ZMQContext(security: .encrypted(try CurveKeys.generate()))
    let place = try Endpoint("tcp://127.0.0.1:*")
    let (mine, theirs) = (Handover<Endpoint>(), Handover<Endpoint>())
    let server = Task(executorPreference: OwnThread()) {
      let link = try ZMQLink(other, rank: 1, worldSize: 2, endpoint: place, epoch: epoch)
      mine.set(link.endpoint)
      try link.connect(to: 0, at: theirs.get())
      try LinkProbe(link, peer: 0, step: StepNumber(rawValue: 7)).serve()
    }
    let figures = try await OwnThread.run {
      let link = try ZMQLink(context, rank: 0, worldSize: 2, endpoint: place, epoch: epoch)
      theirs.set(link.endpoint)
      try link.connect(to: 1, at: mine.get())
      return try LinkProbe(link, peer: 1, step: StepNumber(rawValue: 7)).measure()
    }
    try await server.value
    #expect(figures.roundTripMicroseconds > 0 && figures.bytesPerSecond > 0)
  }

  @Test func factsTravelAsText() throws {
    let facts = NodeFacts.collect(buildID: "b", executable: "/x", runDirectory: "/tmp")
    #expect(facts.numCPUs > 0 && facts.totalMemory > facts.availableMemory && facts.freeDisk > 0)
    #expect(facts.zmqVersion.hasPrefix("4."))
    #expect(try NodeFacts(JSONReader.parse(JSONWriter.string(facts.json))) == facts)
    #expect(NodeFacts(["build": "b"]) == nil)
  }

  @Test func tasksAndAnswersTravelAsBytes() {
    let task = NodeTask(.measure, number: 9, peer: 4)
    #expect(NodeTask(task.encoded) == task && NodeTask([9, 9]) == nil)
    let figures = LinkFigures(roundTripMicroseconds: 1, forwardBytesPerSecond: 2, backwardBytesPerSecond: 3)
    let answer = NodeAnswer(number: 9, clock: 1.5, figures: figures, problem: "none")
    #expect(NodeAnswer(answer.encoded) == answer && NodeAnswer([1]) == nil)
  }
}

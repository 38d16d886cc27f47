import KVCaching
import Wire

/// One of each message with every field away from its default.
enum Samples {
  static var sampling: SamplingParameters {
    var value = SamplingParameters()
    value.maxTokens = 17
    value.minTokens = 2
    value.temperature = 0.5
    value.topP = 0.75
    value.topK = 40
    value.minP = 0.125
    value.repetitionPenalty = 1.25
    value.presencePenalty = -0.5
    value.frequencyPenalty = 0.25
    value.seed = 0x0102_0304_0506_0708
    value.stop = ["é\n"]
    value.stopTokenIDs = [5, 9]
    value.ignoreEOS = true
    value.logprobs = 3
    value.n = 2
    value.logitBias = [.init(token: 1, bias: -1), .init(token: 6, bias: 2)]
    return value
  }

  static var plan: StepPlan {
    var group = StepPlan.GroupPlan()
    group.releases = [3]
    group.admissions = [
      SequenceAdmission(
        slot: 1, sequence: SequenceID(rawValue: 11), sampling: sampling, randomKey: 77, suppressedTokens: [2],
        promptTokens: [10, 11, 12], outputTokens: [13])
    ]
    group.chunks = [
      SequenceChunk(
        slot: 1, startPosition: 2, tokens: [12, 13], nextToken: 14, pageTable: [PageID(4), PageID(0)],
        output: [.sample, .scoreTargets]),
      SequenceChunk(slot: 0, startPosition: 0, tokens: [7], pageTable: [PageID(1)], output: []),
    ]
    return StepPlan(
      epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: 258), groups: [group, StepPlan.GroupPlan()])
  }

  static var answer: InquiryAnswer {
    let exchange = ExchangeTiming(
      operation: .attentionSum, point: 1, sequence: 2, started: 10, posted: 12, arrived: 15, ended: 16,
      lastPeer: -1, frames: 3, bytesSent: 1 << 33)
    return .times(
      [
        StepTiming(
          epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: 7), rows: 2, received: 1 << 40, begun: 1,
          ended: 20, sent: 21, marks: [3, 4, 16, 17], exchanges: [exchange])
      ], dropped: 5)
  }

  static var trace: StepTrace {
    var value = StepTrace(
      epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: 258), rank: 3, rows: 2, sampledRows: 1,
      wholeRows: 1)
    var exchange = ExchangeTrace(operation: .expertDispatch, layer: 4, start: 10, duration: 20)
    exchange.sent = [.init(peer: 1, frames: 1, payloadBytes: 64)]
    value.exchanges = [exchange]
    value.routing = [RoutingTrace(layer: 4, usesAllToAll: true, experts: [1, 7])]
    return value
  }

  static var result: StepResult {
    var value = StepResult(epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: 258), group: 1)
    value.sampled = [
      SampledToken(
        slot: 1, token: 14,
        logprobs: TokenLogprobs(
          chosen: -0.5, top: [.init(token: 14, logprob: -0.5), .init(token: 3, logprob: -2)])),
      SampledToken(slot: 0, token: 8),
    ]
    value.payloads = [
      StepPayload(
        slot: 1, kind: .hidden, index: 2, startPosition: 2, rows: 1, columns: 2, bytes: Array(0..<8))
    ]
    value.expertLoad = [4, 0]
    value.timings.total = 1000
    value.timings.communication = 200
    value.timings.sampling = 30
    value.timings.bytesSent = 4096
    return value
  }

  static var hello: Hello {
    Hello(
      buildID: "b1", rank: 3, incarnation: 1, processID: 4242, hostName: "node-7", cpuFeatures: "avx2",
      numThreads: 2)
  }

  static var all: [any WireMessage] {
    let epoch = Epoch(rawValue: 2)
    return [
      sampling, SamplingParameters(), plan, result, trace, hello, answer, InquiryAnswer.clock(3, 1 << 50),
      Inquiry.clock(9), Inquiry.recordTimes(steps: 256), Inquiry.times,
      HeadPlan(epoch: epoch, step: StepNumber(rawValue: 4), group: 1, rows: 1, hidden: Array(0..<8)),
      Configure(epoch: epoch, settings: Array("{}".utf8)),
      LoadProgress(rank: 1, bytesDone: 5, bytesTotal: 10),
      Ready(rank: 1, epoch: epoch, weightBytes: 99, numPages: 8),
      Pulse(rank: 1, epoch: epoch, step: StepNumber(rawValue: 5), phase: .communicating, progress: 77),
      Abort(epoch: epoch, rank: 2, code: .peerLost, text: "rank 2 is gone"),
      Abort(epoch: epoch, rank: nil, code: .cancelled, text: ""),
      EpochChange(epoch: epoch.next, text: "rank 1 was lost"), EpochAcknowledged(rank: 2, epoch: epoch.next),
      AddressBook(epoch: epoch, endpoints: ["ipc:///r0", "", "tcp://127.0.0.1:9"]),
      Promotion(rank: 2, incarnation: 3, epoch: epoch, dataEndpoint: "ipc:///r2.3"),
      Shutdown(epoch: epoch, text: "done"),
    ]
  }
}

// A small engine around MeshDecoding: greedy decoding of a few prompts, with its own blocks and its own
// batches.
//
//   engine-example MODEL_DIRECTORY TENSOR_PARALLEL_SIZE EXPERT_PARALLEL_SIZE [WORKER_EXECUTABLE]
//
// Prints one line of token ids for each prompt.

import Foundation
import MeshDecoding

/// One sequence: its tokens, how many of them the model has seen, and the blocks that hold their keys and
/// values.
struct Sequence {
  var tokens: [Int32]
  var numComputed = 0
  var blocks: [Int32] = []
}

/// Runs prompts to `length` tokens each: whole prompts first, then one token of each sequence per step.
func decode(_ decoder: CausalDecoder, prompts: [[Int32]], generate count: Int) throws -> [[Int32]] {
  var sequences = prompts.map { Sequence(tokens: $0) }
  var nextBlock: Int32 = 0
  for _ in 0..<count {
    var input = StepInput.empty
    for index in sequences.indices {
      let sequence = sequences[index]
      let new = sequence.tokens[sequence.numComputed...]
      while sequences[index].blocks.count * decoder.facts.blockSize < sequence.tokens.count {
        sequences[index].blocks.append(nextBlock)
        nextBlock += 1
      }
      input.tokenIDs += new
      input.positions += new.indices.map { Int32($0) }
      input.blockTables.append(sequences[index].blocks)
      input.sequenceLengths.append(Int32(sequence.tokens.count))
      input.queryStarts.append(Int32(input.tokenIDs.count))
      sequences[index].numComputed = sequence.tokens.count
    }
    // Hidden states come before the final norm; only the last row of each sequence needs logits.
    let output = try decoder.step(input)
    let logits = try decoder.logits(output.hidden.picking(input.queryStarts.dropFirst().map { Int($0) - 1 }))
    for index in sequences.indices {
      let row = logits[index]
      let best = row.indices.max { (row[$0], -$0) < (row[$1], -$1) } ?? row.startIndex
      sequences[index].tokens.append(Int32(best - row.startIndex))
    }
  }
  return zip(sequences, prompts).map { Array($0.tokens.dropFirst($1.count)) }
}

/// Reads the arguments, starts the mesh, prints what it decodes.
func run(_ arguments: [String]) throws {
  guard arguments.count >= 4, let tp = Int(arguments[2]), let ep = Int(arguments[3]) else {
    print(
      "usage: engine-example MODEL_DIRECTORY TENSOR_PARALLEL_SIZE EXPERT_PARALLEL_SIZE [WORKER_EXECUTABLE]")
    return
  }
  var configuration = DecoderConfiguration()
  configuration.model = arguments[1]
  configuration.tensorParallelSize = tp
  configuration.expertParallelSize = ep
  configuration.cacheDType = "float32"
  configuration.maxModelLength = 256
  if arguments.count > 4 { configuration.workerExecutable = arguments[4] }

  let decoder = try CausalDecoder(configuration)
  try decoder.load()
  defer { decoder.close() }
  let prompts: [[Int32]] = [[5, 17, 42], [9], [3, 3, 7, 11, 20, 33, 8]]
  for tokens in try decode(decoder, prompts: prompts, generate: 8) {
    print(tokens.map(String.init).joined(separator: " "))
  }
}

do {
  try run(CommandLine.arguments)
} catch {
  // Every error is one sentence.
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}

import Swiftlet

/// What an echo server did, as the one line of JSON that it prints on its way out.
package struct EchoCounters: Sendable {
    let server: TCPServer.Statistics
    let loop: LoopStatistics

    /// A JSON object without line feeds. Names and units are the contract; times are in seconds.
    package var json: String {
        let fields: [(String, Int)] = [
            ("accepted", server.accepted),
            ("open_max", server.openMax),
            ("refused", server.refused),
            ("accept_errors", server.acceptErrors),
            ("handler_errors", server.handlerErrors),
            ("bytes_read", loop.bytesRead),
            ("bytes_written", loop.bytesWritten),
            ("receives", loop.receives),
            ("sends", loop.sends),
            ("would_blocks", loop.wouldBlocks),
            ("turns", loop.turns),
            ("waits", loop.waits),
            ("jobs", loop.jobs),
            ("parks", loop.parks),
            ("spurious_wakes", loop.spuriousWakes),
            ("interest_changes", loop.interestChanges),
        ]
        let numbers = fields.map { "\"\($0)\":\($1)" }.joined(separator: ",")
        return "{\(numbers),\"longest_turn_s\":\(Double(loop.longestTurn) / 1e9)}"
    }
}

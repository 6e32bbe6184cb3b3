import type { Command } from 'commander'
import { connect } from '../cluster/connect.ts'
import type { Io } from '../model/io.ts'
import { paintFor } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import { globalOptions } from './global-options.ts'
import { warner } from './warner.ts'

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain')
    .description('say what a pod waits for, who is ahead, what would help, and what happened to it so far')
    .argument('<pod>', 'name of the pod, in the namespace of -n or of the context')
    .action(async (name: string, _: object, self: Command) => {
      const { format, namespace, startgateNamespace, ...global } = globalOptions(self)
      const cluster = await connect(global)
      const [{ gatherPod }, { explain }, { explainText }] = await Promise.all([
        import('../explain/gather.ts'),
        import('../explain/explain.ts'),
        import('../explain/explain-text.ts'),
      ])
      const nowMs = io.nowMs()
      const facts = await gatherPod({
        cluster,
        namespace: namespace ?? cluster.namespace ?? 'default',
        pod: name.replace(/^pods?\//, ''),
        startgateNamespace,
        warn: warner(io),
        nowMs,
      })
      const explanation = explain(facts)
      io.out(format ? structured(explanation, format) : explainText(explanation, { paint: paintFor(io), nowMs }))
    })
}

import { type Command, Option } from 'commander'
import { FORMATS, type Format, formatOf } from '../output/structured.ts'

/** What every verb takes. */
export interface GlobalOptions {
  kubeconfig?: string
  context?: string
  namespace?: string
  startgateNamespace?: string
  format: Format | undefined
}

export function addGlobalOptions(program: Command): void {
  program
    .option('--kubeconfig <FILE>', 'kubeconfig to use; $KUBECONFIG or ~/.kube/config where not given')
    .option('--context <NAME>', 'context of the kubeconfig')
    .option('-n, --namespace <NAME>', 'namespace to look at')
    .option('--startgate-namespace <NAME>', 'where startgate is installed; found by its webhook where not given')
    .addOption(new Option('-o, --output <FORMAT>', 'json or yaml instead of text').choices(FORMATS))
}

/** The program's own options, given before or after the verb. */
export function globalOptions(command: Command): GlobalOptions {
  const { output, ...options } = command.optsWithGlobals<Omit<GlobalOptions, 'format'> & { output?: string }>()
  return { ...options, format: formatOf(output) }
}

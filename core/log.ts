import { type Logger, pino } from 'pino'

export type { Logger }

/** The process's logger: JSON lines, level from configuration, ISO time so that people on call can read it. */
export function createLogger(part: string, level = 'info'): Logger {
  return pino({
    level,
    base: { part },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', '*.token', 'authorization', '*.authorization'],
  })
}

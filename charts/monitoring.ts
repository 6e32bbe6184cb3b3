import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { CHART } from './helm.ts'

export interface AlertRule {
  alert: string
  expr: string
  for?: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface Panel {
  title: string
  targets?: { expr: string; legendFormat: string }[]
}

export interface Dashboard {
  uid: string
  panels: Panel[]
  templating: { list: { name: string; query: string | { query: string } }[] }
}

export const RULES = join(CHART, 'monitoring', 'rules.yaml')
export const DASHBOARD = join(CHART, 'monitoring', 'dashboard.json')

/** The alerts of the chart. */
export function alertRules(): AlertRule[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: AlertRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

export const dashboard = (): Dashboard => JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard

export interface Query {
  /** Of the panel, and of the query in it: `Webhook memory: {{pod}}`. */
  name: string
  expr: string
  legendFormat: string
}

/** All queries of the dashboard's panels. */
export function dashboardQueries({ panels } = dashboard()): Query[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      name: legendFormat === '' ? title : `${title}: ${legendFormat}`,
      expr,
      legendFormat,
    })),
  )
}

/** Whether an object's status has this condition, and it is `True`. One that is not there is not. */
export function isConditionTrue(
  conditions: readonly { type: string; status: string }[] | undefined,
  type: string,
): boolean {
  return (conditions ?? []).some(condition => condition.type === type && condition.status === 'True')
}

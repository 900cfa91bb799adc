export interface operations {}

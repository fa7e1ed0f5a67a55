import { environmentFile } from '~/lib/csr'
import { fileName, save } from '~/lib/save'
import { Alert, Button, CopyBlock, CopyText, Group, Stack, Text } from '~/ui'

/** What a worker is started with. The private key is there only if it was made in this page. */
export function StartWorkers(props: {
  pool: string
  token: string
  privateKey?: string | undefined
}) {
  const { token, privateKey } = props
  const name = fileName(props.pool)
  const command = privateKey
    ? `set -a; . ./${name}.env; set +a\ngantry worker`
    : `SPACELIFT_TOKEN=$(cat ${name}.config) \\\nSPACELIFT_POOL_PRIVATE_KEY=$(base64 -w0 ${name}.key) \\\ngantry worker`
  return (
    <Stack>
      {privateKey && (
        <Alert color="yellow" title="The private key is here this once">
          <Stack gap="sm">
            <Text size="sm">
              It was made in this page and is kept nowhere else. Download it now. If it is lost, the pool
              has to be reset.
            </Text>
            <Group gap="sm">
              <Button onClick={() => save(`${name}.env`, environmentFile(token, privateKey))}>
                Download environment file
              </Button>
              <Button variant="default" onClick={() => save(`${name}.key`, privateKey)}>
                Download private key only
              </Button>
            </Group>
          </Stack>
        </Alert>
      )}
      <Group align="flex-end" wrap="nowrap" gap="xs">
        <div style={{ flex: 1 }}>
          <CopyText label="Token of the pool" value={token} />
        </div>
        <Button variant="default" onClick={() => save(`${name}.config`, token)}>
          Download
        </Button>
      </Group>
      <CopyBlock
        label={
          privateKey
            ? 'On a worker’s machine, with the environment file'
            : 'On a worker’s machine, with the token and the private key'
        }
        text={command}
      />
    </Stack>
  )
}
